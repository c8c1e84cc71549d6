"""Records that stand below each other, as trees: which belong together, one object of them, and back. Pure."""

from contracts.legacy.tree.forest import Spoilt, Trees, is_too_large
from contracts.legacy.tree.ids import RecordIds, id_names
from contracts.legacy.tree.nest import without

__all__ = ["RecordIds", "Spoilt", "Trees", "id_names", "is_too_large", "without"]
