"""What stands in the scene and carries a text like a plate's: a sign and a parked car.

Their texts belong to no vehicle of `schedule.vehicles`.
"""

from __future__ import annotations

from agent.camera.synthetic.bodies import BODIES, End
from agent.camera.synthetic.lens import Lens
from agent.camera.synthetic.registration import Region, Registration
from agent.camera.synthetic.schedule import Vehicle

SIGN = Registration(region=Region.PL, text="WX52468", printed="WX 52468")
SIGN_PLACE, SIGN_WIDTH_M = (-3.05, 0.45, 14.6), 0.6
"""Middle of the upper edge (world metres), as wide as a large plate."""

PARKED = Registration(region=Region.DE, text="GGXY118", printed="GG XY 118")
_NO_VEHICLE = 1 << 31


def parked_car(lens: Lens) -> Vehicle:
    """It stands on the right verge, seen from behind, for as long as the run lasts."""
    return Vehicle(
        number=_NO_VEHICLE,
        registration=PARKED,
        body=BODIES[0],
        paint=(120, 62, 28),
        lane=1,
        end=End.REAR,
        enters_at_s=0.0,
        speed_mps=0.0,
        offset_m=1.7,
        yaw=0.0,
        near_m=15.0,
        far_m=lens.far_m,
    )
