/* What is to be put in order, and how. */

#ifndef PLACES_H
#define PLACES_H

#include "functions.h"

typedef struct {
    uint64_t key;
    i64 index;
} Place;

/* Stable, by digits of 11 bits; returns which of both holds the result. */
static inline Place *sort_places(Place *places, Place *spare, i64 n, uint64_t most) {
    enum { BITS = 11, DIGITS = 1 << BITS };
    for (int shift = 0; shift < 64 && most >> shift; shift += BITS) {
        i64 begins[DIGITS + 1] = {0};
        for (i64 i = 0; i < n; i++) begins[(places[i].key >> shift & (DIGITS - 1)) + 1]++;
        if (n && begins[(places[0].key >> shift & (DIGITS - 1)) + 1] == n) continue;
        for (int digit = 0; digit < DIGITS; digit++) begins[digit + 1] += begins[digit];
        for (i64 i = 0; i < n; i++) spare[begins[places[i].key >> shift & (DIGITS - 1)]++] = places[i];
        Place *sorted = spare;
        spare = places, places = sorted;
    }
    return places;
}

#endif
