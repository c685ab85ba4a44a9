//! The consistency conditions of clause 3.3.2, each as a query for rows that violate it.
//!
//! A query that finds nothing says nothing by itself, so each condition comes with a doctored row:
//! an UPDATE or DELETE, in a transaction that is rolled back, after which the query must find something.

use anyhow::{Context, Result, ensure};
use mysql_async::prelude::Queryable;
use mysql_async::{Conn, Row};

/// A condition.
struct Condition {
    /// Of clause 3.3.2.
    number: u32,
    /// Finds what violates it.
    query: &'static str,
    /// Violates it.
    doctor: &'static str,
    /// True only until the first delivery.
    fresh: bool,
}

const CONDITIONS: &[Condition] = &[
    Condition {
        number: 1,
        query: "SELECT w_id, w_ytd, paid FROM warehouse LEFT JOIN \
                (SELECT d_w_id, SUM(d_ytd) AS paid FROM district GROUP BY d_w_id) AS d ON d_w_id = w_id \
                WHERE paid IS NULL OR w_ytd <> paid",
        doctor: "UPDATE warehouse SET w_ytd = w_ytd + 0.01 WHERE w_id = 1",
        fresh: false,
    },
    Condition {
        number: 2,
        query: "SELECT d_w_id, d_id, d_next_o_id, last_o, last_no FROM district \
                LEFT JOIN (SELECT o_w_id, o_d_id, MAX(o_id) AS last_o FROM orders GROUP BY o_w_id, o_d_id) AS o \
                ON o_w_id = d_w_id AND o_d_id = d_id \
                LEFT JOIN (SELECT no_w_id, no_d_id, MAX(no_o_id) AS last_no FROM new_order GROUP BY no_w_id, no_d_id) AS n \
                ON no_w_id = d_w_id AND no_d_id = d_id \
                WHERE last_o IS NULL OR d_next_o_id - 1 <> last_o OR (last_no IS NOT NULL AND last_no <> last_o)",
        doctor: "UPDATE district SET d_next_o_id = d_next_o_id + 1 WHERE d_w_id = 1 AND d_id = 10",
        fresh: false,
    },
    Condition {
        number: 3,
        query: "SELECT no_w_id, no_d_id, MIN(no_o_id), MAX(no_o_id), COUNT(*) FROM new_order GROUP BY no_w_id, no_d_id \
                HAVING MAX(no_o_id) - MIN(no_o_id) + 1 <> COUNT(*)",
        doctor: "INSERT INTO new_order (no_o_id, no_d_id, no_w_id) VALUES (99999999, 3, 1)",
        fresh: false,
    },
    Condition {
        number: 4,
        query: "SELECT o_w_id, o_d_id, told, counted FROM \
                (SELECT o_w_id, o_d_id, SUM(o_ol_cnt) AS told FROM orders GROUP BY o_w_id, o_d_id) AS o \
                LEFT JOIN (SELECT ol_w_id, ol_d_id, COUNT(*) AS counted FROM order_line GROUP BY ol_w_id, ol_d_id) AS l \
                ON ol_w_id = o_w_id AND ol_d_id = o_d_id WHERE counted IS NULL OR told <> counted",
        doctor: "DELETE FROM order_line WHERE ol_w_id = 1 AND ol_d_id = 2 AND ol_o_id = 7 AND ol_number = 1",
        fresh: false,
    },
    Condition {
        number: 5,
        query: "SELECT o_w_id, o_d_id, o_id, o_carrier_id FROM orders \
                LEFT JOIN new_order ON no_w_id = o_w_id AND no_d_id = o_d_id AND no_o_id = o_id \
                WHERE (o_carrier_id IS NULL) = (no_o_id IS NULL)",
        doctor: "UPDATE orders SET o_carrier_id = NULL WHERE o_w_id = 1 AND o_d_id = 4 AND o_id = 1",
        fresh: false,
    },
    Condition {
        number: 6,
        query: "SELECT o_w_id, o_d_id, o_id, o_ol_cnt, counted FROM orders LEFT JOIN \
                (SELECT ol_w_id, ol_d_id, ol_o_id, COUNT(*) AS counted FROM order_line GROUP BY ol_w_id, ol_d_id, ol_o_id) AS l \
                ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id WHERE counted IS NULL OR o_ol_cnt <> counted",
        doctor: "UPDATE orders SET o_ol_cnt = o_ol_cnt + 1 WHERE o_w_id = 1 AND o_d_id = 5 AND o_id = 2",
        fresh: false,
    },
    Condition {
        number: 7,
        query: "SELECT ol_w_id, ol_d_id, ol_o_id, ol_number FROM order_line \
                LEFT JOIN orders ON o_w_id = ol_w_id AND o_d_id = ol_d_id AND o_id = ol_o_id \
                WHERE o_id IS NULL OR (ol_delivery_d IS NULL) <> (o_carrier_id IS NULL)",
        doctor: "UPDATE order_line SET ol_delivery_d = NULL WHERE ol_w_id = 1 AND ol_d_id = 6 AND ol_o_id = 3 AND ol_number = 2",
        fresh: false,
    },
    Condition {
        number: 8,
        query: "SELECT w_id, w_ytd, paid FROM warehouse LEFT JOIN \
                (SELECT h_w_id, SUM(h_amount) AS paid FROM history GROUP BY h_w_id) AS h ON h_w_id = w_id \
                WHERE paid IS NULL OR w_ytd <> paid",
        doctor: "UPDATE history SET h_amount = h_amount + 0.01 WHERE h_w_id = 1 AND h_d_id = 1 AND h_c_id = 1",
        fresh: false,
    },
    Condition {
        number: 9,
        query: "SELECT d_w_id, d_id, d_ytd, paid FROM district LEFT JOIN \
                (SELECT h_w_id, h_d_id, SUM(h_amount) AS paid FROM history GROUP BY h_w_id, h_d_id) AS h \
                ON h_w_id = d_w_id AND h_d_id = d_id WHERE paid IS NULL OR d_ytd <> paid",
        doctor: "UPDATE district SET d_ytd = d_ytd - 0.01 WHERE d_w_id = 1 AND d_id = 7",
        fresh: false,
    },
    Condition {
        number: 10,
        query: "SELECT c_w_id, c_d_id, c_id, c_balance, bought, paid FROM customer LEFT JOIN \
                (SELECT o_w_id, o_d_id, o_c_id, SUM(ol_amount) AS bought FROM orders \
                JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id \
                WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) AS o \
                ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id LEFT JOIN \
                (SELECT h_c_w_id, h_c_d_id, h_c_id, SUM(h_amount) AS paid FROM history GROUP BY h_c_w_id, h_c_d_id, h_c_id) AS h \
                ON h_c_w_id = c_w_id AND h_c_d_id = c_d_id AND h_c_id = c_id \
                WHERE paid IS NULL OR c_balance <> COALESCE(bought, 0) - paid",
        doctor: "UPDATE customer SET c_balance = c_balance + 0.01 WHERE c_w_id = 1 AND c_d_id = 8 AND c_id = 3",
        fresh: false,
    },
    Condition {
        number: 11,
        query: "SELECT o_w_id, o_d_id, ordered, fresh, of_all FROM \
                (SELECT o_w_id, o_d_id, COUNT(*) AS ordered FROM orders GROUP BY o_w_id, o_d_id) AS o \
                LEFT JOIN (SELECT no_w_id, no_d_id, COUNT(*) AS fresh FROM new_order GROUP BY no_w_id, no_d_id) AS n \
                ON no_w_id = o_w_id AND no_d_id = o_d_id \
                JOIN (SELECT c_w_id, c_d_id, COUNT(*) AS of_all FROM customer GROUP BY c_w_id, c_d_id) AS c \
                ON c_w_id = o_w_id AND c_d_id = o_d_id WHERE ordered - COALESCE(fresh, 0) <> of_all * 7 DIV 10",
        doctor: "DELETE FROM new_order WHERE no_w_id = 1 AND no_d_id = 9",
        fresh: true,
    },
    Condition {
        number: 12,
        query: "SELECT c_w_id, c_d_id, c_id, c_balance, c_ytd_payment, bought FROM customer LEFT JOIN \
                (SELECT o_w_id, o_d_id, o_c_id, SUM(ol_amount) AS bought FROM orders \
                JOIN order_line ON ol_w_id = o_w_id AND ol_d_id = o_d_id AND ol_o_id = o_id \
                WHERE ol_delivery_d IS NOT NULL GROUP BY o_w_id, o_d_id, o_c_id) AS o \
                ON o_w_id = c_w_id AND o_d_id = c_d_id AND o_c_id = c_id \
                WHERE c_balance + c_ytd_payment <> COALESCE(bought, 0)",
        doctor: "UPDATE customer SET c_ytd_payment = c_ytd_payment + 0.01 WHERE c_w_id = 1 AND c_d_id = 9 AND c_id = 4",
        fresh: false,
    },
];

/// What a check saw.
#[derive(Clone, Debug, Default)]
pub struct Findings {
    /// The conditions that hold.
    pub held: Vec<u32>,
    /// What violates one, or hides a doctored row.
    pub violations: Vec<String>,
}

/// Checks all conditions; `fresh` where nothing was delivered since the load.
pub async fn check(connection: &mut Conn, fresh: bool) -> Result<Findings> {
    let mut findings = Findings::default();
    for condition in CONDITIONS.iter().filter(|condition| fresh || !condition.fresh) {
        let number = condition.number;
        match rows(connection, condition).await?.first() {
            Some(row) => findings.violations.push(format!("3.3.2.{number}: {row}")),
            None => findings.held.push(number),
        }
    }
    Ok(findings)
}

/// Doctors a row for each condition and expects it to be found; leaves nothing behind.
pub async fn prove(connection: &mut Conn, fresh: bool) -> Result<Findings> {
    let mut findings = Findings::default();
    for condition in CONDITIONS.iter().filter(|condition| fresh || !condition.fresh) {
        let number = condition.number;
        connection.query_drop("START TRANSACTION").await?;
        let doctored = connection.query_drop(condition.doctor).await;
        doctored.with_context(|| format!("could not doctor a row for condition {number}"))?;
        ensure!(connection.affected_rows() > 0, "condition {number}: no row to doctor");
        let found = rows(connection, condition).await?.len();
        connection.query_drop("ROLLBACK").await?;
        if found == 0 {
            findings.violations.push(format!("3.3.2.{number}: a doctored row was not found"));
        } else {
            findings.held.push(number);
        }
    }
    Ok(findings)
}

async fn rows(connection: &mut Conn, condition: &Condition) -> Result<Vec<String>> {
    let rows: std::result::Result<Vec<Row>, _> = connection.query(condition.query).await;
    let rows = rows.with_context(|| format!("condition {} was not answered", condition.number))?;
    let text = |row: Row| {
        let values = row.unwrap();
        values.iter().map(|value| value.as_sql(true)).collect::<Vec<_>>().join(", ")
    };
    Ok(rows.into_iter().map(text).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_twelve_conditions_are_there_and_each_can_be_seen_red() {
        let numbers: Vec<u32> = CONDITIONS.iter().map(|condition| condition.number).collect();
        assert_eq!(numbers, (1..=12).collect::<Vec<_>>());
        for Condition { number, query, doctor, .. } in CONDITIONS {
            let changed = doctor
                .split_whitespace()
                .find(|word| !["UPDATE", "DELETE", "INSERT", "INTO", "FROM"].contains(word));
            assert!(query.contains(changed.unwrap()), "{number}: {doctor} changes another table");
        }
    }
}
