"""Where a thing is in the world when it rides in another, and the other way round.

Pure core. Quaternions are (x, y, z, w), positions metres.
"""

from soiree.wire.quantise import Quat, Vec3
from soiree.wire.records import Transform


def rotate(rotation: Quat, vector: Vec3) -> Vec3:
    """`vector` turned by a unit quaternion."""
    x, y, z, w = rotation
    vx, vy, vz = vector
    # t = 2 q × v; v + w t + q × t
    tx, ty, tz = 2 * (y * vz - z * vy), 2 * (z * vx - x * vz), 2 * (x * vy - y * vx)
    return (
        vx + w * tx + y * tz - z * ty,
        vy + w * ty + z * tx - x * tz,
        vz + w * tz + x * ty - y * tx,
    )


def multiply(a: Quat, b: Quat) -> Quat:
    """First turn by `b`, then by `a`."""
    ax, ay, az, aw = a
    bx, by, bz, bw = b
    return (
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def conjugate(rotation: Quat) -> Quat:
    """The turn back."""
    x, y, z, w = rotation
    return (-x, -y, -z, w)


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
    back = conjugate(parent.rotation)
    px, py, pz = parent.position
    vx, vy, vz = parent.velocity
    x, y, z = outer.position
    ux, uy, uz = outer.velocity
    return Transform(
        rotate(back, (x - px, y - py, z - pz)),
        multiply(back, outer.rotation),
        rotate(back, (ux - vx, uy - vy, uz - vz)),
    )
