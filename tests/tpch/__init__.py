"""The 22 queries of TPC-H in every state that a table can be in, beside two other engines.

    python -m tests.tpch --scale 1 --record

Parts: `data` (the .tbl files), `schema` (tables), `queries` (texts), `engines` (who answers),
`compare` (what is equal), `states` (loaded, flushed, ..), `report` (what is printed).
"""
