"""Pure core: rotations as unit quaternions (x, y, z, w), and vectors turned by them."""

import math

from soiree.wire.quantise import Quat, Vec3

NEARLY_ALIKE = 0.9995
"""Cosine of half the angle between two rotations from which on the straight line between them is as good as the arc."""


def multiply(a: Quat, b: Quat) -> Quat:
    """The rotation that does `b` first, then `a`."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def inverse(rotation: Quat) -> Quat:
    """The turn back."""
    x, y, z, w = rotation
    return (-x, -y, -z, w)


def rotate(rotation: Quat, vector: Vec3) -> Vec3:
    """`vector` turned by `rotation`: v + w t + q × t, where t = 2 q × v."""
    x, y, z, w = rotation
    vx, vy, vz = vector
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


def slerp(a: Quat, b: Quat, share: float) -> Quat:
    """The rotation that lies `share` of the way from `a` (0) to `b` (1), on the shorter arc and at an even pace."""
    dot = a[0] * b[0] + a[1] * b[1] + a[2] * b[2] + a[3] * b[3]
    sign = -1.0 if dot < 0 else 1.0
    if sign * dot > NEARLY_ALIKE:
        of_a, of_b = 1.0 - share, share
    else:
        angle = math.acos(sign * dot)
        of_a, of_b = math.sin((1.0 - share) * angle), math.sin(share * angle)
    of_b *= sign
    x, y = of_a * a[0] + of_b * b[0], of_a * a[1] + of_b * b[1]
    z, w = of_a * a[2] + of_b * b[2], of_a * a[3] + of_b * b[3]
    norm = math.sqrt(x * x + y * y + z * z + w * w)
    return (x / norm, y / norm, z / norm, w / norm)
