//! Which words are keywords, and which of them MySQL reserves.
//!
//! Not here: words that only one statement knows (`parse`); those are compared as text.

use sqlparser::keywords::{ALL_KEYWORDS, ALL_KEYWORDS_INDEX, Keyword};

/// `sqlparser`'s keyword for a bare word; none for words that are keywords in
/// other systems' SQL only, so that columns may be called `top` or `sort`.
pub(crate) fn keyword_of(word: &str) -> Keyword {
    let mut upper = [0_u8; 32];
    let bytes = word.as_bytes();
    let Some(upper) = upper.get_mut(..bytes.len()) else { return Keyword::NoKeyword };
    upper.copy_from_slice(bytes);
    upper.make_ascii_uppercase();
    let found = ALL_KEYWORDS.binary_search_by(|known| known.as_bytes().cmp(upper));
    let keyword = found
        .ok()
        .and_then(|index| ALL_KEYWORDS_INDEX.get(index))
        .copied()
        .unwrap_or(Keyword::NoKeyword);
    if is_foreign(keyword) { Keyword::NoKeyword } else { keyword }
}

fn is_foreign(keyword: Keyword) -> bool {
    use Keyword as K;
    matches!(
        keyword,
        K::TOP
            | K::MINUS
            | K::CLUSTER
            | K::DISTRIBUTE
            | K::SORT
            | K::PREWHERE
            | K::QUALIFY
            | K::SAMPLE
            | K::TABLESAMPLE
            | K::PIVOT
            | K::UNPIVOT
            | K::CONNECT
            | K::EXCLUDE
            | K::ILIKE
            | K::SIMILAR
            | K::OVERLAPS
            | K::SETTINGS
            | K::ASOF
            | K::ANTI
            | K::SEMI
            | K::GLOBAL
            | K::FETCH
            | K::APPLY
            | K::UNNEST
            | K::STRUCT
            | K::MAP
            | K::ARRAY
            | K::LAMBDA
            | K::OPERATOR
            | K::NOTNULL
            | K::PRIOR
            | K::TRY_CAST
            | K::SAFE_CAST
            | K::TRY_CONVERT
            | K::MATCH_RECOGNIZE
            | K::AT
            | K::FILTER
            | K::WITHIN
            | K::PERCENT
            | K::FORMAT
            | K::MERGE
            | K::VERSION
            | K::RESPECT
            | K::OPENJSON
            | K::SEMANTIC_VIEW
    )
}

/// True for words that MySQL 8.0 does not take as a bare name.
pub(crate) fn is_reserved(keyword: Keyword) -> bool {
    use Keyword as K;
    matches!(
        keyword,
        K::ADD
            | K::ALL
            | K::ALTER
            | K::ANALYZE
            | K::AND
            | K::AS
            | K::ASC
            | K::BEFORE
            | K::BETWEEN
            | K::BINARY
            | K::BY
            | K::CALL
            | K::CASCADE
            | K::CASE
            | K::CHANGE
            | K::CHECK
            | K::COLLATE
            | K::COLUMN
            | K::CONSTRAINT
            | K::CONVERT
            | K::CREATE
            | K::CROSS
            | K::CURRENT_DATE
            | K::CURRENT_TIME
            | K::CURRENT_TIMESTAMP
            | K::CURRENT_USER
            | K::DATABASES
            | K::DELAYED
            | K::DELETE
            | K::DESC
            | K::DESCRIBE
            | K::DISTINCT
            | K::DISTINCTROW
            | K::DIV
            | K::DROP
            | K::ELSE
            | K::EXCEPT
            | K::EXISTS
            | K::EXPLAIN
            | K::FALSE
            | K::FOR
            | K::FORCE
            | K::FOREIGN
            | K::FROM
            | K::FULLTEXT
            | K::GRANT
            | K::GROUP
            | K::HAVING
            | K::HIGH_PRIORITY
            | K::IGNORE
            | K::IN
            | K::INDEX
            | K::INNER
            | K::INTERSECT
            | K::INTERVAL
            | K::INTO
            | K::IS
            | K::JOIN
            | K::KEY
            | K::KEYS
            | K::KILL
            | K::LATERAL
            | K::LIKE
            | K::LIMIT
            | K::LOAD
            | K::LOCALTIME
            | K::LOCALTIMESTAMP
            | K::LOCK
            | K::LOW_PRIORITY
            | K::MATCH
            | K::NATURAL
            | K::NOT
            | K::NULL
            | K::ON
            | K::OR
            | K::ORDER
            | K::OUTER
            | K::OVER
            | K::PARTITION
            | K::PRIMARY
            | K::PROCEDURE
            | K::READ
            | K::RECURSIVE
            | K::REFERENCES
            | K::REGEXP
            | K::RELEASE
            | K::RENAME
            | K::REVOKE
            | K::RLIKE
            | K::SELECT
            | K::SEPARATOR
            | K::SET
            | K::SHOW
            | K::SPATIAL
            | K::STRAIGHT_JOIN
            | K::TABLE
            | K::THEN
            | K::TO
            | K::TRIGGER
            | K::TRUE
            | K::UNION
            | K::UNIQUE
            | K::UNLOCK
            | K::UPDATE
            | K::USE
            | K::USING
            | K::WHEN
            | K::WHERE
            | K::WINDOW
            | K::WITH
            | K::XOR
    ) || is_function_too(keyword)
}

/// Reserved words that are a function's name when `(` follows.
pub(crate) fn is_function_too(keyword: Keyword) -> bool {
    use Keyword as K;
    matches!(
        keyword,
        K::IF
            | K::INSERT
            | K::LEFT
            | K::REPLACE
            | K::RIGHT
            | K::VALUES
            | K::MOD
            | K::CHAR
            | K::DATABASE
            | K::SCHEMA
            | K::DEFAULT
            | K::ROW_NUMBER
            | K::RANK
            | K::DENSE_RANK
            | K::PERCENT_RANK
            | K::CUME_DIST
            | K::NTILE
            | K::LAG
            | K::LEAD
            | K::FIRST_VALUE
            | K::LAST_VALUE
            | K::NTH_VALUE
    )
}
