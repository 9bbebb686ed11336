"""Pure core: rotations as unit quaternions (x, y, z, w), and vectors turned by them."""

from soiree.wire.quantise import Quat, Vec3


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
