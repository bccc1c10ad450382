"""The content of a site as files and folders of the tree, below ``site/wwwroot``. It can be read, not written."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from datetime import UTC, datetime

from webjobs.files import tree
from webjobs.store import ObjectStore, packages
from webjobs.store.packages import File, Manifest
from webjobs.times import EPOCH
from webjobs_apiserver.service.files.nodes import FileNode, Node, etag_of, folder, in_store
from webjobs_apiserver.service.site_contents import SiteContents
from webjobs_apiserver.sites import Site

_ROOT = tree.BINARIES[:2]


class ContentFiles:
    """Reads of the content of sites."""

    def __init__(self, store: ObjectStore, contents: SiteContents) -> None:
        self._store = store
        self._contents = contents

    async def find(self, site: Site, path: str) -> Node | None:
        """Return the file or folder of the content at a path of the tree; None when there is none.

        Raises PackageError when the store has the content no more.
        """
        parts = tree.spelled(tree.segments(path))
        if parts[: len(_ROOT)] != _ROOT:
            return None
        content = await self._contents.read(site)
        if content is None:
            return None
        manifest = await asyncio.to_thread(
            packages.read_manifest, self._store, namespace=site.namespace, digest=content.digest
        )
        inner, name = "/".join(parts[len(_ROOT) :]), parts[-1]
        if file := manifest.files.get(inner):
            return self._file(site, file, name=name)
        folders = await asyncio.to_thread(tree.folders_of, manifest.files)
        return self._node(site, manifest, folders, inner, name=name)

    def _node(
        self, site: Site, manifest: Manifest, folders: Mapping[str, tree.Children], path: str, *, name: str
    ) -> Node | None:
        if file := manifest.files.get(path):
            return self._file(site, file, name=name)
        inside = folders.get(path)
        if inside is None:
            return None

        async def children() -> list[Node]:
            prefix = f"{path}/" if path else ""
            names = [*inside.folders, *inside.files]
            found = (self._node(site, manifest, folders, prefix + name, name=name) for name in names)
            return [node for node in found if node]

        return folder(name, EPOCH, children)

    def _file(self, site: Site, file: File, *, name: str) -> FileNode:
        changed = datetime.fromtimestamp(file.mtime, UTC) if file.mtime else EPOCH
        return FileNode(
            name=name,
            size=file.size,
            mtime=changed,
            crtime=changed,
            etag=etag_of(file),
            open=in_store(self._store, namespace=site.namespace, file=file),
            mode=file.mode,
        )
