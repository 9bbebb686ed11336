"""Where a thing is in the world when it rides in another, and the other way round.

Pure core. Quaternions are (x, y, z, w), positions metres.
"""

from soiree.quaternion import inverse, multiply, rotate
from soiree.wire.records import Transform


def outward(parent: Transform, local: Transform) -> Transform:
    """What `local` in the frame of `parent` is in the frame that `parent` is in."""
    dx, dy, dz = rotate(parent.rotation, local.position)
    px, py, pz = parent.position
    ux, uy, uz = rotate(parent.rotation, local.velocity)
    vx, vy, vz = parent.velocity
    return Transform(
        (px + dx, py + dy, pz + dz),
        multiply(parent.rotation, local.rotation),
        (vx + ux, vy + uy, vz + uz),
    )


def inward(parent: Transform, outer: Transform) -> Transform:
    """The reverse of `outward`: `outer` seen from `parent`."""
    back = inverse(parent.rotation)
    px, py, pz = parent.position
    vx, vy, vz = parent.velocity
    x, y, z = outer.position
    ux, uy, uz = outer.velocity
    return Transform(
        rotate(back, (x - px, y - py, z - pz)),
        multiply(back, outer.rotation),
        rotate(back, (ux - vx, uy - vy, uz - vz)),
    )
