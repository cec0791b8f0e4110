"""A section of an office brings its pages, templates, menu entry and permissions."""

from dataclasses import dataclass

from flask import Blueprint

from identity.permission import Permission


@dataclass(frozen=True)
class MenuEntry:
    """A section's first page, shown in the menu to whoever may use it."""

    label: str  # an English msgid
    view: str  # the page's function
    permission: Permission


class Section(Blueprint):
    """A blueprint within an office's, with the templates beside it and its entry in the menu.

    Its entry is marked as current on each of its pages.
    """

    def __init__(self, name: str, import_name: str, entry: MenuEntry) -> None:
        super().__init__(name, import_name, template_folder="templates")
        self.entry = entry
