import pytest

from cache.statements import among, deletion, insertion, selection, sizes


def test_statements_by_hand():
    assert selection("wave") == "SELECT key, question, blob, sha256 FROM wave"
    assert selection("assessment", "key", "headline") == "SELECT key, headline FROM assessment"
    assert among("wave", "key") == "SELECT key FROM wave WHERE key IN (SELECT value FROM json_each(?))"
    assert insertion("wave") == "INSERT INTO wave VALUES (?, ?, ?, ?)"
    assert insertion("assessment", replace=True) == "REPLACE INTO assessment VALUES (?, ?, ?, ?, ?, ?)"
    assert sizes("wave") == "SELECT key, length(blob) FROM wave"
    assert deletion("wave") == "DELETE FROM wave WHERE key = ?"


@pytest.mark.parametrize("statement", [selection, sizes, among, insertion, deletion])
@pytest.mark.parametrize("name", ["usage", "wave; DROP TABLE wave", "", "wave --"])
def test_no_other_name_of_a_table_gets_into_a_statement(statement, name):
    with pytest.raises(KeyError):
        statement(name)


def test_no_other_name_of_a_column_gets_into_a_statement():
    with pytest.raises(KeyError):
        selection("wave", "key FROM usage --")
