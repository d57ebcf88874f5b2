"""Photos by the thousand: a plan, bounded stages around one device, a record of what is done.

`plan` decides and checks, `lock` keeps a second run away, `ledger` remembers, `engine` works,
`watch` waits for more. Importing this package loads neither torch nor OpenCV.
"""

from hasnet_models.avatar.fingerprint import Fingerprint, fingerprint
from hasnet_models.batch.engine import Engine, Settings
from hasnet_models.batch.ledger import Ledger, read_results
from hasnet_models.batch.lock import locked
from hasnet_models.batch.plan import Plan, Shard, check_folders, plan
from hasnet_models.batch.result import DONE, FAILED, SKIPPED, Item, Result

__all__ = [
    "DONE",
    "FAILED",
    "SKIPPED",
    "Engine",
    "Fingerprint",
    "Item",
    "Ledger",
    "Plan",
    "Result",
    "Settings",
    "Shard",
    "check_folders",
    "fingerprint",
    "locked",
    "plan",
    "read_results",
]
