"""Streamlit's settings: the look in light and dark, and what a server of ours must and must not do."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

LIGHT: Mapping[str, object] = {
    "primaryColor": "#0b5c8a",
    "backgroundColor": "#fcfbf9",
    "secondaryBackgroundColor": "#f1efea",
    "textColor": "#23211d",
    "linkColor": "#0b5c8a",
    "borderColor": "#dedad2",
    "chartCategoricalColors": ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#666666"],
}

DARK: Mapping[str, object] = {
    "primaryColor": "#7cc0ea",
    "backgroundColor": "#171614",
    "secondaryBackgroundColor": "#211f1c",
    "textColor": "#eceae5",
    "linkColor": "#7cc0ea",
    "borderColor": "#3a3732",
    "chartCategoricalColors": ["#56B4E9", "#E69F00", "#009E73", "#CC79A7", "#BBBBBB"],
}

# Fonts of the visitor's own system: none is fetched.
_FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"

_SERVER: Mapping[str, object] = {
    "browser.gatherUsageStats": False,
    "client.showErrorDetails": "none",
    "client.showErrorLinks": False,
    "client.toolbarMode": "minimal",
    # Large messages that the browser has are not sent again. With each turn it says which those are, and forgets what
    # two pages did not use: of many quick turns the last ones would be answered with what it has forgotten by then.
    "global.maxCachedMessageAge": 12,
    "global.disableWidgetStateDuplicationWarning": True,  # controls have a default beside what the session says
    "logger.hideWelcomeMessage": True,
    "runner.postScriptGC": False,  # a full collection after every run would stall all visitors
    "server.fileWatcherType": "none",
    "server.headless": True,
    "server.enableAgentApi": False,
    "server.enableStaticServing": False,
    "server.maxUploadSize": 5,  # MB
    "server.maxWidgetStateSize": 1,  # MB
    "theme.font": _FONT,
    "theme.headingFont": _FONT,
    "theme.baseFontSize": 15,
    "theme.baseRadius": "6px",
    "theme.showSidebarBorder": True,
}


def settings(host: str, port: int, certificate: Path | None = None) -> dict[str, object]:
    """All settings of a server at this address; with a certificate it serves TLS."""
    looks = {
        f"theme.{name}.{option}": value
        for name, look in (("light", LIGHT), ("dark", DARK))
        for option, value in look.items()
    }
    secure = {"server.sslCertFile": str(certificate)} if certificate else {}  # marks Streamlit's cookies
    return {**_SERVER, **looks, **secure, "server.address": host, "server.port": port}
