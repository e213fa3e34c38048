"""A session with pytest-lsp's client in the place of an editor, with the capabilities of Visual Studio Code and Neovim."""

import os
import pathlib

import pytest
import pytest_lsp
from lsprotocol import types
from pytest_lsp import ClientServerConfig, LanguageClient, client_capabilities

FOLDER = pathlib.Path(os.environ["TEST_FOLDER"])
DOCKERFILE = FOLDER / "Dockerfile"
COMMAND = [os.environ["TEST_SERVER"], "lsp"]


@pytest_lsp.fixture(
    config=ClientServerConfig(server_command=COMMAND),
    params=["visual-studio-code", "neovim"],
)
async def client(request, lsp_client: LanguageClient):
    # What editors answer and this client leaves to its user.
    for method in [
        types.CLIENT_REGISTER_CAPABILITY,
        types.WORKSPACE_INLAY_HINT_REFRESH,
        types.WORKSPACE_CODE_LENS_REFRESH,
    ]:
        lsp_client.feature(method)(lambda *_: None)
    await lsp_client.initialize_session(
        types.InitializeParams(
            capabilities=client_capabilities(request.param),
            root_uri=FOLDER.as_uri(),
        )
    )
    yield
    await lsp_client.shutdown_session()


def open_document(client):
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(
            types.TextDocumentItem(DOCKERFILE.as_uri(), "dockerfile", 1, DOCKERFILE.read_text())
        )
    )
    return types.TextDocumentIdentifier(DOCKERFILE.as_uri())


async def findings(client, document):
    """Pushed or pulled, as the client's capabilities have it."""
    capabilities = client.capabilities.text_document if hasattr(client, "capabilities") else None
    if capabilities is not None and capabilities.diagnostic is not None:
        report = await client.text_document_diagnostic_async(types.DocumentDiagnosticParams(document))
        return report.items
    await client.wait_for_notification(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)
    return client.diagnostics[document.uri]


@pytest.mark.asyncio
async def test_findings_and_fix(client: LanguageClient):
    document = open_document(client)
    found = await findings(client, document)
    assert "copy-before-install" in [item.code for item in found]
    whole = types.Range(types.Position(2, 0), types.Position(2, 0))
    context = types.CodeActionContext(diagnostics=found)
    actions = await client.text_document_code_action_async(types.CodeActionParams(document, whole, context))
    assert any(action.is_preferred for action in actions)
    assert "refactor.rewrite" in [action.kind for action in actions]


@pytest.mark.asyncio
async def test_reading(client: LanguageClient):
    document = open_document(client)
    hover = await client.text_document_hover_async(types.HoverParams(document, types.Position(2, 1)))
    assert "Rebuilds on" in hover.contents.value
    symbols = await client.text_document_document_symbol_async(types.DocumentSymbolParams(document))
    assert symbols[0].name.startswith("node")
    folds = await client.text_document_folding_range_async(types.FoldingRangeParams(document))
    assert len(folds) == 1
    whole = types.Range(types.Position(0, 0), types.Position(9, 0))
    hints = await client.text_document_inlay_hint_async(types.InlayHintParams(document, whole))
    assert any(hint.label.startswith("rebuilt by") for hint in hints)
