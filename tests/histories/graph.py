"""A directed graph with labelled edges: components and short cycles.

Labels: ww, wr, rw (dependencies), prw (an rw by absence: a phantom), po (one
transaction's own order), rt (answered before the other began).
"""

from collections import deque


class Graph:
    def __init__(self):
        self.out: dict = {}

    def add(self, source, target, label: str) -> None:
        if source != target:
            self.out.setdefault(source, {}).setdefault(target, set()).add(label)
            self.out.setdefault(target, {})

    def following(self, node, labels):
        """The nodes after `node` by an edge of `labels` (all, if None)."""
        for target, found in self.out.get(node, {}).items():
            if labels is None or found & labels:
                yield target

    def components(self, labels=None) -> list[list]:
        """Strongly connected components of more than one node (Tarjan 1972, without recursion)."""
        index, low, on_stack, stack, found = {}, {}, set(), [], []
        for root in self.out:
            if root in index:
                continue
            index[root] = low[root] = len(index)
            stack.append(root)
            on_stack.add(root)
            work = [(root, self.following(root, labels))]
            while work:
                node, targets = work[-1]
                target = next(targets, None)
                if target is None:
                    work.pop()
                    if work:
                        low[work[-1][0]] = min(low[work[-1][0]], low[node])
                    if low[node] == index[node]:
                        part = []
                        while True:
                            member = stack.pop()
                            on_stack.discard(member)
                            part.append(member)
                            if member == node:
                                break
                        if len(part) > 1:
                            found.append(part)
                elif target not in index:
                    index[target] = low[target] = len(index)
                    stack.append(target)
                    on_stack.add(target)
                    work.append((target, self.following(target, labels)))
                elif target in on_stack:
                    low[node] = min(low[node], index[target])
        return found

    def path(self, source, target, labels=None) -> list | None:
        """A shortest path from `source` to `target`, both included."""
        before, queue = {source: None}, deque([source])
        while queue:
            node = queue.popleft()
            if node == target:
                path = [node]
                while before[path[-1]] is not None:
                    path.append(before[path[-1]])
                return path[::-1]
            for after in self.following(node, labels):
                if after not in before:
                    before[after] = node
                    queue.append(after)
        return None

    def cycle(self, part: list, labels=None) -> list:
        """A short cycle within a component: the shortest through some of its nodes."""
        best = None
        for node in sorted(part, key=str)[:50]:
            for after in self.following(node, labels):
                path = self.path(after, node, labels)
                if path and (best is None or len(path) < len(best)):
                    best = path
        return best
