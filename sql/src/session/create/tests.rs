use super::super::testing::{
    column, customers, index, orders, table as make, varchar, view as a_view,
};
use super::*;
use holdfast_value::LobSize;

#[test]
fn a_table_with_everything() {
    let want = "CREATE TABLE `orders` (
  `id` bigint unsigned NOT NULL AUTO_INCREMENT,
  `customer` int NOT NULL,
  `note` varchar(255) DEFAULT NULL COMMENT 'what the customer''s said',
  `price` decimal(10,2) NOT NULL DEFAULT '1.50',
  `state` enum('new','it''s') DEFAULT 'new',
  `code` char(8) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin NOT NULL,
  `made` timestamp(3) NOT NULL DEFAULT CURRENT_TIMESTAMP(3) ON UPDATE CURRENT_TIMESTAMP(3),
  `seen` timestamp NULL DEFAULT NULL,
  `body` text,
  `flags` bit(3) DEFAULT b'101',
  `is_open` tinyint(1) NOT NULL DEFAULT '1',
  `doc` json DEFAULT (json_array()),
  `twice` smallint unsigned GENERATED ALWAYS AS ((`customer` * 2)) STORED,
  `raw` varbinary(16) DEFAULT NULL,
  PRIMARY KEY (`id`),
  UNIQUE KEY `by_code` (`code`),
  UNIQUE KEY `by_state` (`state`),
  KEY `by_note` (`note`(10),`customer` DESC) COMMENT 'two',
  CONSTRAINT `orders_ibfk_1` FOREIGN KEY (`customer`) REFERENCES `customers` (`id`) ON DELETE CASCADE,
  CONSTRAINT `orders_chk_1` CHECK ((`price` > 0)),
  CONSTRAINT `orders_chk_2` CHECK ((`customer` <> 7)) /*!80016 NOT ENFORCED */
) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci";
    assert_eq!(table(&orders(), Some(5)), want);
}

#[test]
fn a_collation_that_is_no_sets_first_is_named_at_every_column() {
    let want = "CREATE TABLE `customers` (
  `id` int NOT NULL,
  `name` varchar(20) COLLATE utf8mb4_general_ci NOT NULL,
  PRIMARY KEY (`id`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_general_ci";
    assert_eq!(table(&customers(), None), want);
}

#[test]
fn names_that_need_it_are_escaped_and_options_close_the_text() {
    let columns = vec![
        column("a`b", varchar(3), |_| {}),
        column("b", SqlType::Blob(LobSize::Long), |it| it.nullable = false),
    ];
    let odd = make("t`x", columns, |body| {
        body.primary.clear();
        body.indexes = vec![index("k", true, &[0])];
        body.row_format = Some("compressed".into());
    });
    let want = "CREATE TABLE `t``x` (
  `a``b` varchar(3) DEFAULT NULL,
  `b` longblob NOT NULL,
  UNIQUE KEY `k` (`a``b`)
) ENGINE=InnoDB DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_0900_ai_ci ROW_FORMAT=COMPRESSED";
    assert_eq!(table(&odd, Some(1)), want);
}

#[test]
fn other_definitions() {
    assert_eq!(
        view(&a_view()),
        "CREATE ALGORITHM=UNDEFINED DEFINER=`root`@`%` SQL SECURITY DEFINER VIEW `names` AS \
         SELECT id, name AS n FROM customers"
    );
    let shop = DatabaseRow { v: 1, id: 1, name: "shop".into(), collation: Collation::Uca0900AiCi };
    assert_eq!(
        database(&shop, true),
        "CREATE DATABASE /*!32312 IF NOT EXISTS*/ `shop` /*!40100 DEFAULT CHARACTER SET utf8mb4 COLLATE \
         utf8mb4_0900_ai_ci */ /*!80016 DEFAULT ENCRYPTION='N' */"
    );
}
