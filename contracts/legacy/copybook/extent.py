"""How long a record is: its counters are read, and nothing else."""

from contracts.legacy.copybook.node import GroupNode, LeafNode, Member, Node, Reading, TableNode

__all__ = ["end_of"]


def end_of(node: Node, state: Reading, at: int) -> int:
    """Return where an item ends that begins at a place of the record.

    Raises:
        RecordError: A counter, or a field that tells a segment, can't be read.
    """
    if node.size is not None and not node.is_read:
        return at + node.size
    match node:
        case LeafNode():
            return node.read(state, at)[1]
        case GroupNode():
            return _of_group(node, state, at)
        case TableNode():
            return _of_table(node, state, at)
        case _:
            raise TypeError(node)


def _of_group(node: GroupNode, state: Reading, at: int) -> int:
    starts: list[int] = []
    end = at
    for member in node.members:
        start = end + member.node.item.slack if member.original is None else starts[member.original]
        starts.append(start)
        end = max(end, _of_member(node, member, state, start=start))
    return end


def _of_member(node: GroupNode, member: Member, state: Reading, *, start: int) -> int:
    if not node.is_chosen(member, state):
        return start + (member.shared or 0)
    return end_of(member.node, state, start)


def _of_table(node: TableNode, state: Reading, at: int) -> int:
    count = node.count(state.counts, at)
    end = at
    if node.one.size is None or node.one.is_read:
        for index in range(count):
            end = end_of(node.one, state, node.place(at, end, index))
    return node.end(at, end, count)
