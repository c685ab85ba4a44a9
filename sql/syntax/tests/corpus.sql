-- The kind of each statement, or the number of its error; one a line.
Query: /* mysql-connector-j-8.0.33 (Revision: 7d6b0800528b6b25c68b52dc10d6c1c8429c100c) */SELECT @@session.auto_increment_increment AS auto_increment_increment, @@character_set_client AS character_set_client, @@character_set_connection AS character_set_connection, @@character_set_results AS character_set_results, @@character_set_server AS character_set_server, @@collation_server AS collation_server, @@collation_connection AS collation_connection, @@init_connect AS init_connect, @@interactive_timeout AS interactive_timeout, @@license AS license, @@lower_case_table_names AS lower_case_table_names, @@max_allowed_packet AS max_allowed_packet, @@net_write_timeout AS net_write_timeout, @@performance_schema AS performance_schema, @@query_cache_size AS query_cache_size, @@query_cache_type AS query_cache_type, @@sql_mode AS sql_mode, @@system_time_zone AS system_time_zone, @@time_zone AS time_zone, @@tx_isolation AS transaction_isolation, @@wait_timeout AS wait_timeout
Set: /*!40100 SET @@SQL_MODE='' */
Set: /*!40103 SET TIME_ZONE='+00:00' */
1065: /*M!100100 SET @@MAX_STATEMENT_TIME=0.000000 */
1065: /*M!100100 SET WAIT_TIMEOUT=DEFAULT */
AlterTable: ALTER TABLE `auth_group_permissions` ADD CONSTRAINT `auth_group_permissio_permission_id_84c5c92e_fk_auth_perm` FOREIGN KEY (`permission_id`) REFERENCES `auth_permission` (`id`)
AlterTable: ALTER TABLE `auth_group_permissions` ADD CONSTRAINT `auth_group_permissions_group_id_permission_id_0cd325b0_uniq` UNIQUE (`group_id`, `permission_id`)
AlterTable: ALTER TABLE `auth_group` MODIFY `name` varchar(150) NOT NULL
AlterTable: ALTER TABLE `auth_user` MODIFY `last_login` datetime(6) NULL
AlterTable: ALTER TABLE `django_content_type` DROP COLUMN `name`
AlterTable: ALTER TABLE `django_content_type` MODIFY `name` varchar(100) NULL
Begin: BEGIN
Commit: COMMIT
CreateView: CREATE OR REPLACE VIEW dest_view AS SELECT source_table.id FROM source_table
CreateView: CREATE OR REPLACE VIEW dest_view AS SELECT source_table.id FROM source_table WHERE source_table.id > 1
CreateTable: CREATE TABLE IF NOT EXISTS `squsers` (`id` INTEGER NOT NULL auto_increment , `n` VARCHAR(255), `a` DECIMAL(10,2), `createdAt` DATETIME NOT NULL, `updatedAt` DATETIME NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB
CreateTable: CREATE TABLE IF NOT EXISTS dest_table AS SELECT source_table.id FROM source_table
CreateTable: CREATE TABLE _test_table ( id INTEGER NOT NULL, _data VARCHAR(50), PRIMARY KEY (id) )
CreateTable: CREATE TABLE `Unitéble2` ( `méil` INTEGER NOT NULL AUTO_INCREMENT, `測試` INTEGER, PRIMARY KEY (`méil`), FOREIGN KEY(`測試`) REFERENCES unitable1 (`méil`) )
CreateTable: CREATE TABLE `auth_group_permissions` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `group_id` integer NOT NULL, `permission_id` integer NOT NULL)
CreateTable: CREATE TABLE `auth_group` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `name` varchar(80) NOT NULL UNIQUE)
CreateTable: CREATE TABLE `auth_permission` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `name` varchar(50) NOT NULL, `content_type_id` integer NOT NULL, `codename` varchar(100) NOT NULL)
CreateTable: CREATE TABLE `auth_user` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `password` varchar(128) NOT NULL, `last_login` datetime(6) NOT NULL, `is_superuser` bool NOT NULL, `username` varchar(30) NOT NULL UNIQUE, `first_name` varchar(30) NOT NULL, `last_name` varchar(30) NOT NULL, `email` varchar(75) NOT NULL, `is_staff` bool NOT NULL, `is_active` bool NOT NULL, `date_joined` datetime(6) NOT NULL)
CreateTable: CREATE TABLE `django_content_type` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `name` varchar(100) NOT NULL, `app_label` varchar(100) NOT NULL, `model` varchar(100) NOT NULL)
CreateTable: CREATE TABLE `django_migrations` (`id` integer AUTO_INCREMENT NOT NULL PRIMARY KEY, `app` varchar(255) NOT NULL, `name` varchar(255) NOT NULL, `applied` datetime(6) NOT NULL)
CreateTable: CREATE TABLE `tou` (`id` int NOT NULL AUTO_INCREMENT, `n` varchar(255) NOT NULL, PRIMARY KEY (`id`)) ENGINE=InnoDB
CreateTable: CREATE TABLE `測試` ( `測試_id` INTEGER NOT NULL, `unitable1_測試` INTEGER, `Unitéble2_b` INTEGER, `測試_self` INTEGER, PRIMARY KEY (`測試_id`) )
CreateTable: CREATE TABLE a ( id INTEGER )
CreateTable: CREATE TABLE b ( id INTEGER )
CreateTable: CREATE TABLE base_table1 ( id INTEGER NOT NULL, value INTEGER, PRIMARY KEY (id) )
CreateTable: CREATE TABLE base_table2 ( id INTEGER NOT NULL, amount INTEGER, PRIMARY KEY (id) )
CreateTable: CREATE TABLE base_table3 ( id INTEGER NOT NULL, total INTEGER, PRIMARY KEY (id) )
CreateTable: CREATE TABLE date_table ( id INTEGER NOT NULL AUTO_INCREMENT, date_data TIME, decorated_date_data TIME, PRIMARY KEY (id) )
CreateTable: CREATE TABLE dest_table AS SELECT a.id FROM a UNION ALL SELECT b.id FROM b
CreateTable: CREATE TABLE dest_table AS SELECT source_table.id + 1 AS id2, 'x' AS tag FROM source_table
CreateTable: CREATE TABLE dest_table AS SELECT source_table.id AS user_id, source_table.name AS user_name FROM source_table
CreateTable: CREATE TABLE dest_table AS SELECT source_table.id, source_table.name FROM source_table WHERE source_table.name = 'alice'
CreateTable: CREATE TABLE dest_table AS SELECT source_table.id, source_table.name FROM source_table WHERE source_table.value > 100
CreateTable: CREATE TABLE dest_table AS SELECT source_table.id, source_table.name, source_table.value FROM source_table WHERE source_table.value > 100
CreateTable: CREATE TABLE ident_tmp_main ( id INTEGER NOT NULL AUTO_INCREMENT, foobar INTEGER COMMENT 'some comment', PRIMARY KEY (id) )
CreateTable: CREATE TABLE source_table ( id INTEGER NOT NULL, name VARCHAR(50), value INTEGER, PRIMARY KEY (id) )
CreateTable: CREATE TABLE t ( id INTEGER NOT NULL AUTO_INCREMENT, x INTEGER, data DATETIME, PRIMARY KEY (id) )
CreateTable: CREATE TABLE t ( x TEXT )
CreateTable: CREATE TABLE t ( x TIME )
CreateTable: CREATE TABLE t_default ( id INTEGER NOT NULL AUTO_INCREMENT, x INTEGER, idata DATETIME, udata DATETIME, PRIMARY KEY (id) )
CreateTable: CREATE TABLE test_schema.dest_table AS SELECT source_table.id, source_table.name FROM source_table WHERE source_table.value > 100
CreateTable: CREATE TABLE test_schema.source_table_s ( id INTEGER NOT NULL, name VARCHAR(50), value INTEGER, PRIMARY KEY (id) )
CreateTable: CREATE TABLE test_table ( id INTEGER NOT NULL, data VARCHAR(50), PRIMARY KEY (id) )
CreateTable: CREATE TABLE text_table ( id INTEGER NOT NULL AUTO_INCREMENT, text_data TEXT, PRIMARY KEY (id) )
CreateTable: CREATE TABLE unitable1 ( `méil` INTEGER NOT NULL AUTO_INCREMENT, `測試` INTEGER, PRIMARY KEY (`méil`) )
CreateTable: CREATE TEMPORARY TABLE user_tmp_main AS SELECT source_table.id, source_table.name FROM source_table WHERE source_table.value > 100
CreateView: CREATE VIEW dest_view AS SELECT a.id FROM a UNION ALL SELECT b.id FROM b
CreateView: CREATE VIEW dest_view AS SELECT source_table.id + 1 AS id2, 'x' AS tag FROM source_table
CreateView: CREATE VIEW dest_view AS SELECT source_table.id AS user_id, source_table.name AS user_name FROM source_table
CreateView: CREATE VIEW dest_view AS SELECT source_table.id, source_table.name FROM source_table WHERE source_table.name = 'alice'
CreateView: CREATE VIEW dest_view AS SELECT source_table.id, source_table.name, source_table.value FROM source_table WHERE source_table.value > 100
CreateView: CREATE VIEW test_schema.dest_view AS SELECT test_schema.source_table_s.id, test_schema.source_table_s.name FROM test_schema.source_table_s WHERE test_schema.source_table_s.value > 100
CreateView: CREATE VIEW view1 AS SELECT base_table1.id, base_table1.value, base_table2.amount FROM base_table1 INNER JOIN base_table2 ON base_table1.id = base_table2.id WHERE base_table1.value > 0
CreateView: CREATE VIEW view2 AS SELECT view1.id, view1.value, base_table3.total FROM view1 INNER JOIN base_table3 ON view1.id = base_table3.id WHERE base_table3.total > 100
Delete: DELETE FROM `Unitéble2`
Delete: DELETE FROM a
Delete: DELETE FROM b
Delete: DELETE FROM date_table
Delete: DELETE FROM source_table
Delete: DELETE FROM t
Delete: DELETE FROM t_default
Delete: DELETE FROM test_schema.source_table_s
Delete: DELETE FROM text_table
Delete: DELETE FROM unitable1
Show: DESCRIBE `dest_view`
Show: DESCRIBE `test_schema`.`dest_table`
DropTable: DROP TABLE IF EXISTS `squsers`
DropTable: DROP TABLE IF EXISTS test_table
DropTable: DROP TABLE _test_table
DropTable: DROP TABLE a
DropTable: DROP TABLE b
DropTable: DROP TABLE base_table1
DropTable: DROP TABLE date_table
DropTable: DROP TABLE dest_table
DropTable: DROP TABLE ident_tmp_main
DropTable: DROP TABLE source_table
DropTable: DROP TABLE t
DropTable: DROP TABLE t_default
DropTable: DROP TABLE test_schema.dest_table
DropTable: DROP TABLE test_schema.source_table_s
DropTable: DROP TABLE text_table
DropTable: DROP TABLE user_tmp_main
DropView: DROP VIEW dest_view
DropView: DROP VIEW test_schema.dest_view
DropView: DROP VIEW view1
Insert: INSERT INTO _test_table (id, _data) VALUES (1, 'some data')
Insert: INSERT INTO `Unitéble2` (`méil`, `測試`) VALUES (1, 1)
Insert: INSERT INTO `auth_group` (`name`) VALUES ('g1') RETURNING `auth_group`.`id`
Insert: INSERT INTO `auth_permission` (`name`, `content_type_id`, `codename`) VALUES ('Can add content type', 1, 'add_contenttype'), ('Can change content type', 1, 'change_contenttype'), ('Can delete content type', 1, 'delete_contenttype'), ('Can view content type', 1, 'view_contenttype') RETURNING `auth_permission`.`id`
Insert: INSERT INTO `auth_permission` (`name`, `content_type_id`, `codename`) VALUES ('Can add permission', 2, 'add_permission'), ('Can change permission', 2, 'change_permission'), ('Can delete permission', 2, 'delete_permission'), ('Can view permission', 2, 'view_permission'), ('Can add group', 3, 'add_group'), ('Can change group', 3, 'change_group'), ('Can delete group', 3, 'delete_group'), ('Can view group', 3, 'view_group'), ('Can add user', 4, 'add_user'), ('Can change user', 4, 'change_user'), ('Can delete user', 4, 'delete_user'), ('Can view user', 4, 'view_user') RETURNING `auth_permission`.`id`
Insert: INSERT INTO `django_content_type` (`app_label`, `model`) VALUES ('auth', 'permission'), ('auth', 'group'), ('auth', 'user') RETURNING `django_content_type`.`id`
Insert: INSERT INTO `django_content_type` (`app_label`, `model`) VALUES ('contenttypes', 'contenttype') RETURNING `django_content_type`.`id`
Insert: INSERT INTO `django_migrations` (`app`, `name`, `applied`) VALUES ('auth', '0001_initial', '2026-11-22 20:07:06.263874') RETURNING `django_migrations`.`id`
Insert: INSERT INTO `squsers` (`id`,`n`,`a`,`createdAt`,`updatedAt`) VALUES (DEFAULT,'x',1,'2026-11-22 19:57:28','2026-11-22 19:57:28')
Insert: INSERT INTO `squsers` (`id`,`n`,`createdAt`,`updatedAt`) VALUES (DEFAULT,'y','2026-11-22 19:57:28','2026-11-22 19:57:28')
Insert: INSERT INTO `tou`(`id`, `n`) VALUES (DEFAULT, 'a')
Insert: INSERT INTO `測試` (`測試_id`, `unitable1_測試`, `Unitéble2_b`, `測試_self`) VALUES (1, 5, 1, 1)
Insert: INSERT INTO a (id) VALUES (1),(3)
Insert: INSERT INTO b (id) VALUES (2),(4)
Insert: INSERT INTO base_table1 (id, value) VALUES (1, 10),(2, 20),(3, 30)
Insert: INSERT INTO base_table2 (id, amount) VALUES (1, 100),(2, 200),(3, 300)
Insert: INSERT INTO base_table3 (id, total) VALUES (1, 50),(2, 150),(3, 250)
Insert: INSERT INTO date_table (id, date_data) VALUES (1, '12:57:18')
Insert: INSERT INTO date_table (id, date_data) VALUES (1, NULL)
Insert: INSERT INTO date_table (id, decorated_date_data) VALUES (1, '12:57:18')
Insert: INSERT INTO source_table (id, name, value) VALUES (1, 'alice', 100),(2, 'bob', 200),(3, 'charlie', 300)
Insert: INSERT INTO t (x) VALUES ('12:57:18')
Insert: INSERT INTO t (x) VALUES ('some ''text'' hey "hi there" that''s text')
Insert: INSERT INTO t (x) VALUES (NULL)
Insert: INSERT INTO t (x, data) VALUES (5, '2015-04-17 18:05:02'),(6, '2015-04-17 18:05:02'),(7, '2015-04-17 18:05:02')
Insert: INSERT INTO t (x, data) VALUES (5, utc_timestamp())
Insert: INSERT INTO t_default (x, idata) VALUES (5, '2015-04-17 18:05:02'),(6, '2015-04-17 18:05:02'),(7, '2015-04-17 18:05:02')
Insert: INSERT INTO t_default (x, idata) VALUES (5, utc_timestamp())
Insert: INSERT INTO test_schema.source_table_s (id, name, value) VALUES (1, 'alice', 100),(2, 'bob', 200),(3, 'charlie', 300)
Insert: INSERT INTO text_table (id, text_data) VALUES (1, '')
Insert: INSERT INTO text_table (id, text_data) VALUES (1, NULL)
Insert: INSERT INTO unitable1 (`méil`, `測試`) VALUES (1, 5)
ReleaseSavepoint: RELEASE SAVEPOINT `s140206172875648_x1`
ReleaseSavepoint: RELEASE SAVEPOINT sa_savepoint_1
ReleaseSavepoint: RELEASE SAVEPOINT sp
Rollback: ROLLBACK
RollbackTo: ROLLBACK TO SAVEPOINT `93639cd5-3622-4cc8-9d6b-ace6f613b626`
RollbackTo: ROLLBACK TO SAVEPOINT sp
Savepoint: SAVEPOINT `93639cd5-3622-4cc8-9d6b-ace6f613b626`
Savepoint: SAVEPOINT sa_savepoint_1
Savepoint: SAVEPOINT sp
Query: SELECT column_name, data_type, character_maximum_length, numeric_precision, numeric_scale, extra, column_default, CASE WHEN collation_name = 'latin1_swedish_ci' THEN NULL ELSE collation_name END AS collation_name, CASE WHEN column_type LIKE '% unsigned' THEN 1 ELSE 0 END AS is_unsigned, column_comment FROM information_schema.columns WHERE table_name = 't1' AND table_schema = DATABASE()
Query: SELECT table_name, table_type, table_comment FROM information_schema.tables WHERE table_schema = DATABASE()
Query: SELECT table_collation FROM information_schema.tables WHERE table_schema = DATABASE() AND table_name = 't1'
Query: SELECT '12:57:18' AS anon_1
Query: SELECT * FROM (SELECT * FROM `INFORMATION_SCHEMA`.`KEY_COLUMN_USAGE` `kcu` WHERE `kcu`.`TABLE_SCHEMA` = 'ct' AND `kcu`.`TABLE_NAME` = 'tou') `kcu` WHERE `CONSTRAINT_NAME` = 'PRIMARY'
Query: SELECT * FROM `INFORMATION_SCHEMA`.`COLUMNS` WHERE `TABLE_SCHEMA` = 'ct' AND `TABLE_NAME` = 'tou'
Query: SELECT * FROM `t1` LIMIT 1
Query: SELECT -15 / 10 AS anon_1
Query: SELECT /*!40001 SQL_NO_CACHE */ `id`, `name`, `d`, `ts`, `j`, `b` FROM `t1`
Query: SELECT /*!40001 SQL_NO_CACHE */ `id`, `t1_id` FROM `t2`
Query: SELECT 1 FROM DUAL WHERE 1=0
Query: SELECT 1+1 AS result
Query: SELECT 15 / 10 AS anon_1
Query: SELECT 5.52 / 2.4 AS anon_1
Query: SELECT @@autocommit
Query: SELECT @@lower_case_table_names
Query: SELECT @@max_allowed_packet,@@system_time_zone,@@time_zone,@@auto_increment_increment
Query: SELECT @@sql_mode
Query: SELECT @@tx_isolation
Query: SELECT A.TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, A.TABLE_NAME, A.COLUMN_NAME, B.SEQ_IN_INDEX KEY_SEQ, B.INDEX_NAME PK_NAME FROM INFORMATION_SCHEMA.COLUMNS A, INFORMATION_SCHEMA.STATISTICS B WHERE A.COLUMN_KEY in ('PRI','pri') AND B.INDEX_NAME='PRIMARY' AND A.TABLE_SCHEMA='ct' AND B.TABLE_SCHEMA='ct' AND A.TABLE_NAME='t1' AND B.TABLE_NAME='t1' AND A.TABLE_SCHEMA = B.TABLE_SCHEMA AND A.TABLE_NAME = B.TABLE_NAME AND A.COLUMN_NAME = B.COLUMN_NAME ORDER BY A.COLUMN_NAME
Query: SELECT CAST(0.00000000000049382716 AS DECIMAL(38, 20)) / CAST(0.00000000000012345679 AS DECIMAL(38, 20)) AS anon_1
Query: SELECT CAST(0.00000000000049382716 AS DECIMAL(38, 20)) / nullif(CAST(0.00000000000012345679 AS DECIMAL(38, 20)), 0) AS anon_1
Query: SELECT CAST(1 AS DECIMAL(10, 2)) / CAST(2.00 AS DECIMAL(10, 2)) AS anon_1
Query: SELECT CAST(1 AS DECIMAL(10, 2)) / nullif(CAST(2.00 AS DECIMAL(10, 2)), 0) AS anon_1
Query: SELECT CAST(30000000000000000000000000000000000000 AS DECIMAL(38, 0)) / CAST(10000000000000000000000000000000000000 AS DECIMAL(38, 0)) AS anon_1
Query: SELECT CAST(30000000000000000000000000000000000000 AS DECIMAL(38, 0)) / nullif(CAST(10000000000000000000000000000000000000 AS DECIMAL(38, 0)), 0) AS anon_1
Query: SELECT CAST(7.0 AS FLOAT) / CAST(3.5 AS FLOAT) AS anon_1
Query: SELECT CAST(7.0 AS FLOAT) / nullif(CAST(3.5 AS FLOAT), 0) AS anon_1
Query: SELECT CHECK_OPTION, DEFINER, SECURITY_TYPE, CHARACTER_SET_CLIENT, COLLATION_CONNECTION FROM information_schema.views WHERE table_name='v1' AND table_schema='ct'
Query: SELECT DATABASE()
Query: SELECT DATABASE() AS `db_name`
Query: SELECT DISTINCT TABLESPACE_NAME, FILE_NAME, LOGFILE_GROUP_NAME, EXTENT_SIZE, INITIAL_SIZE, ENGINE FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'DATAFILE' AND TABLESPACE_NAME IN (SELECT DISTINCT TABLESPACE_NAME FROM INFORMATION_SCHEMA.PARTITIONS WHERE TABLE_SCHEMA IN ('ct')) ORDER BY TABLESPACE_NAME, LOGFILE_GROUP_NAME
Query: SELECT FLOOR(-15 / 5) AS anon_1
Query: SELECT FLOOR(15 / 10) AS anon_1
Query: SELECT FLOOR(5.52 / 2.4) AS anon_1
Query: SELECT LOGFILE_GROUP_NAME, FILE_NAME, TOTAL_EXTENTS, INITIAL_SIZE, ENGINE, EXTRA FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'UNDO LOG' AND FILE_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IS NOT NULL AND LOGFILE_GROUP_NAME IN (SELECT DISTINCT LOGFILE_GROUP_NAME FROM INFORMATION_SCHEMA.FILES WHERE FILE_TYPE = 'DATAFILE' AND TABLESPACE_NAME IN (SELECT DISTINCT TABLESPACE_NAME FROM INFORMATION_SCHEMA.PARTITIONS WHERE TABLE_SCHEMA IN ('ct'))) GROUP BY LOGFILE_GROUP_NAME, FILE_NAME, ENGINE, TOTAL_EXTENTS, INITIAL_SIZE ORDER BY LOGFILE_GROUP_NAME
Query: SELECT ROUTINE_SCHEMA PROCEDURE_CAT,NULL PROCEDURE_SCHEM, ROUTINE_NAME PROCEDURE_NAME, NULL RESERVED1, NULL RESERVED2, NULL RESERVED3, ROUTINE_COMMENT REMARKS, CASE ROUTINE_TYPE WHEN 'FUNCTION' THEN 2 WHEN 'PROCEDURE' THEN 1 ELSE 0 END PROCEDURE_TYPE, SPECIFIC_NAME FROM INFORMATION_SCHEMA.ROUTINES WHERE ROUTINE_SCHEMA='ct'
Query: SELECT SYSDATE() AS sysdate_1
Query: SELECT TABLE_NAME FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_TYPE = 'BASE TABLE' AND TABLE_NAME = 'squsers' AND TABLE_SCHEMA = 'ct'
Query: SELECT TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, TABLE_NAME, IF(TABLE_TYPE='BASE TABLE' or TABLE_TYPE='SYSTEM VERSIONED', 'TABLE', TABLE_TYPE) as TABLE_TYPE, TABLE_COMMENT REMARKS, NULL TYPE_CAT, NULL TYPE_SCHEM, NULL TYPE_NAME, NULL SELF_REFERENCING_COL_NAME, NULL REF_GENERATION FROM INFORMATION_SCHEMA.TABLES WHERE TABLE_SCHEMA='ct' ORDER BY TABLE_TYPE, TABLE_SCHEMA, TABLE_NAME
Query: SELECT TABLE_SCHEMA TABLE_CAT, NULL TABLE_SCHEM, TABLE_NAME, NON_UNIQUE, TABLE_SCHEMA INDEX_QUALIFIER, INDEX_NAME, 3 TYPE, SEQ_IN_INDEX ORDINAL_POSITION, COLUMN_NAME, COLLATION ASC_OR_DESC, CARDINALITY, NULL PAGES, NULL FILTER_CONDITION FROM INFORMATION_SCHEMA.STATISTICS WHERE TABLE_SCHEMA='ct' AND TABLE_NAME = 't1' ORDER BY NON_UNIQUE, TYPE, INDEX_NAME, ORDINAL_POSITION
Query: SELECT TRIGGER_NAME FROM INFORMATION_SCHEMA.TRIGGERS WHERE EVENT_OBJECT_SCHEMA = DATABASE() AND EVENT_OBJECT_TABLE = 't1'
Query: SELECT VERSION()
Query: SELECT VERSION() as `version`
Query: SELECT VERSION(), @@sql_mode, @@default_storage_engine, @@sql_auto_is_null, @@lower_case_table_names, CONVERT_TZ('2001-01-01 01:00:00', 'UTC', 'UTC') IS NOT NULL
Query: SELECT _test_table.id, _test_table._data FROM _test_table
Query: SELECT `SCHEMA_NAME`, `DEFAULT_CHARACTER_SET_NAME` as `CHARSET`, `DEFAULT_COLLATION_NAME` AS `COLLATION` FROM `INFORMATION_SCHEMA`.`SCHEMATA`
Query: SELECT `TABLE_SCHEMA`, `TABLE_NAME`, `TABLE_COMMENT` FROM `INFORMATION_SCHEMA`.`TABLES` WHERE `TABLE_SCHEMA` = 'ct' AND `TABLE_NAME` = 'tou'
Query: SELECT `Unitéble2`.`méil`, `Unitéble2`.`測試` FROM `Unitéble2`
Query: SELECT `auth_group`.`id`, `auth_group`.`name` FROM `auth_group` WHERE `auth_group`.`id` = 1 FOR UPDATE
Query: SELECT `auth_group`.`id`, `auth_group`.`name` FROM `auth_group` WHERE `auth_group`.`name` = 'g1' LIMIT 21
Query: SELECT `auth_permission`.`content_type_id` AS `content_type`, `auth_permission`.`codename` AS `codename` FROM `auth_permission` INNER JOIN `django_content_type` ON (`auth_permission`.`content_type_id` = `django_content_type`.`id`) WHERE `auth_permission`.`content_type_id` IN (1) ORDER BY `django_content_type`.`app_label` ASC, `django_content_type`.`model` ASC, 2 ASC
Query: SELECT `auth_permission`.`content_type_id` AS `content_type`, `auth_permission`.`codename` AS `codename` FROM `auth_permission` INNER JOIN `django_content_type` ON (`auth_permission`.`content_type_id` = `django_content_type`.`id`) WHERE `auth_permission`.`content_type_id` IN (2, 3, 4) ORDER BY `django_content_type`.`app_label` ASC, `django_content_type`.`model` ASC, 2 ASC
Query: SELECT `django_content_type`.`id`, `django_content_type`.`app_label`, `django_content_type`.`model` FROM `django_content_type` WHERE (`django_content_type`.`app_label` = 'auth' AND `django_content_type`.`model` IN ('permission', 'user', 'group'))
Query: SELECT `django_content_type`.`id`, `django_content_type`.`app_label`, `django_content_type`.`model` FROM `django_content_type` WHERE (`django_content_type`.`app_label` = 'contenttypes' AND `django_content_type`.`model` IN ('contenttype'))
Query: SELECT `django_content_type`.`id`, `django_content_type`.`app_label`, `django_content_type`.`model` FROM `django_content_type` WHERE `django_content_type`.`app_label` = 'auth'
Query: SELECT `django_migrations`.`id`, `django_migrations`.`app`, `django_migrations`.`name`, `django_migrations`.`applied` FROM `django_migrations`
Query: SELECT `id`, `n`, `a`, `createdAt`, `updatedAt` FROM `squsers` AS `squser`
Query: SELECT `kcu`.`TABLE_SCHEMA`, `kcu`.`TABLE_NAME`, `kcu`.`CONSTRAINT_NAME`, `kcu`.`COLUMN_NAME`, `kcu`.`REFERENCED_TABLE_SCHEMA`, `kcu`.`REFERENCED_TABLE_NAME`, `kcu`.`REFERENCED_COLUMN_NAME`, `rc`.`DELETE_RULE` `ON_DELETE`, `rc`.`UPDATE_RULE` `ON_UPDATE` FROM (SELECT * FROM `INFORMATION_SCHEMA`.`KEY_COLUMN_USAGE` `kcu` WHERE `kcu`.`TABLE_SCHEMA` = 'ct' AND `kcu`.`TABLE_NAME` = 'tou') `kcu` INNER JOIN (SELECT * FROM `INFORMATION_SCHEMA`.`REFERENTIAL_CONSTRAINTS` WHERE `CONSTRAINT_SCHEMA` = 'ct' AND `TABLE_NAME` = 'tou') `rc` ON `rc`.`CONSTRAINT_SCHEMA` = `kcu`.`CONSTRAINT_SCHEMA` AND `rc`.`TABLE_NAME` = `kcu`.`TABLE_NAME` AND `rc`.`CONSTRAINT_NAME` = `kcu`.`CONSTRAINT_NAME`
Query: SELECT `s`.* FROM (SELECT * FROM `INFORMATION_SCHEMA`.`STATISTICS` WHERE `TABLE_SCHEMA` = 'ct' AND `TABLE_NAME` = 'tou') `s` LEFT JOIN (SELECT * FROM `INFORMATION_SCHEMA`.`REFERENTIAL_CONSTRAINTS` WHERE `CONSTRAINT_SCHEMA` = 'ct' AND `TABLE_NAME` = 'tou') `rc` ON `s`.`INDEX_NAME` = `rc`.`CONSTRAINT_NAME` AND `s`.`TABLE_SCHEMA` = `rc`.`CONSTRAINT_SCHEMA` WHERE `s`.`INDEX_NAME` != 'PRIMARY' AND `rc`.`CONSTRAINT_NAME` IS NULL
Query: SELECT `tou`.`id` AS `tou_id`, `tou`.`n` AS `tou_n` FROM `tou` `tou`
Query: SELECT c.constraint_name AS column_name FROM information_schema.check_constraints AS c WHERE c.table_name = 't1' AND LOWER(c.check_clause) = 'json_valid(`' + LOWER(c.constraint_name) + '`)' AND c.constraint_schema = DATABASE()
Query: SELECT c.constraint_name, c.check_clause FROM information_schema.check_constraints AS c WHERE c.constraint_schema = DATABASE() AND c.table_name = 't1'
Query: SELECT column_name, referenced_column_name, referenced_table_name FROM information_schema.key_column_usage WHERE table_name = 't1' AND table_schema = DATABASE() AND referenced_table_schema = DATABASE() AND referenced_table_name IS NOT NULL AND referenced_column_name IS NOT NULL
Query: SELECT count(*) AS count_1, min(dest_table.name) AS min_1, max(dest_table.name) AS max_1 FROM dest_table
Query: SELECT count(*) AS count_1, min(dest_table.tag) AS min_1, max(dest_table.tag) AS max_1 FROM dest_table
Query: SELECT count(*) AS count_1, min(dest_view.name) AS min_1, max(dest_view.name) AS max_1 FROM dest_view
Query: SELECT count(*) AS count_1, min(dest_view.tag) AS min_1, max(dest_view.tag) AS max_1 FROM dest_view
Query: SELECT date_table.date_data FROM date_table
Query: SELECT date_table.decorated_date_data FROM date_table
Query: SELECT date_table.id FROM date_table WHERE CASE WHEN (NULL IS NOT NULL) THEN NULL ELSE date_table.date_data END = date_table.date_data
Query: SELECT db, name, type, comment FROM mysql.proc WHERE db = 'ct' AND name LIKE '%' ORDER BY name, type
Query: SELECT dest_table.id FROM dest_table ORDER BY dest_table.id
Query: SELECT dest_table.id, dest_table.name FROM dest_table ORDER BY dest_table.id
Query: SELECT dest_table.user_id, dest_table.user_name FROM dest_table WHERE dest_table.user_id = 1
Query: SELECT dest_view.id FROM dest_view
Query: SELECT dest_view.id FROM dest_view ORDER BY dest_view.id
Query: SELECT dest_view.id, dest_view.name FROM dest_view ORDER BY dest_view.id
Query: SELECT dest_view.user_id, dest_view.user_name FROM dest_view WHERE dest_view.user_id = 1
Query: SELECT engine FROM information_schema.tables WHERE table_name = 'auth_group_permissions' AND table_schema = DATABASE()
Query: SELECT engine, table_type FROM INFORMATION_SCHEMA.TABLES WHERE table_schema = DATABASE() AND table_name = 't1'
Query: SELECT kc.`constraint_name`, kc.`column_name`, kc.`referenced_table_name`, kc.`referenced_column_name`, c.`constraint_type` FROM information_schema.key_column_usage AS kc, information_schema.table_constraints AS c WHERE kc.table_schema = DATABASE() AND ( kc.referenced_table_schema = DATABASE() OR kc.referenced_table_schema IS NULL ) AND c.table_schema = kc.table_schema AND c.constraint_name = kc.constraint_name AND c.constraint_type != 'CHECK' AND kc.table_name = 't1' ORDER BY kc.`ordinal_position`
Query: SELECT t.x FROM t WHERE t.x = '12:57:18' AND t.x = '12:57:18'
Query: SELECT t.x FROM t WHERE t.x = 'backslash one \\ backslash two \\\\ end'
Query: SELECT t.x FROM t WHERE t.x = 'some ''text'' hey "hi there" that''s text'
Query: SELECT t.x FROM t WHERE t.x IS NULL
Query: SELECT test_schema.dest_table.id, test_schema.dest_table.name FROM test_schema.dest_table ORDER BY test_schema.dest_table.id
Query: SELECT test_schema.dest_view.id, test_schema.dest_view.name FROM test_schema.dest_view ORDER BY test_schema.dest_view.id
Query: SELECT text_table.text_data FROM text_table
Query: SELECT unitable1.`méil`, unitable1.`測試` FROM unitable1
Query: SELECT unitable1.`méil`, unitable1.`測試` FROM unitable1 ORDER BY unitable1.`méil` DESC
Query: SELECT user_tmp_main.id, user_tmp_main.name FROM user_tmp_main ORDER BY user_tmp_main.id
Query: SELECT version() as version
Query: SELECT view1.id, view1.value, view1.amount FROM view1 ORDER BY view1.id
Query: SELECT view2.id, view2.value, view2.total FROM view2 ORDER BY view2.id
Set: SET @@session.autocommit = OFF
Set: SET AUTOCOMMIT = 0
Set: SET NAMES 'utf8mb4' COLLATE 'utf8mb4_general_ci'
Set: SET NAMES utf8
Set: SET NAMES utf8mb4
Set: SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED
Set: SET SESSION TRANSACTION ISOLATION LEVEL READ UNCOMMITTED
Set: SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ
Set: SET SESSION TRANSACTION ISOLATION LEVEL SERIALIZABLE
Set: SET SESSION character_set_results = 'binary'
Set: SET SQL_QUOTE_SHOW_CREATE=1
Set: SET autocommit=0
Set: SET character_set_results = NULL
Set: SET foreign_key_checks = 0
Set: SET time_zone = '+00:00'
Show: SHOW CREATE TABLE `Unitéble2`
Show: SHOW CREATE TABLE `ct`.`t2`
Show: SHOW FIELDS FROM `v1`
Show: SHOW FULL COLUMNS FROM `squsers`
Show: SHOW FULL COLUMNS FROM `t1` FROM `ct` LIKE '%'
Show: SHOW FULL TABLES
Show: SHOW FULL TABLES FROM `ct`
Show: SHOW FULL TABLES FROM `ct` LIKE '%'
Show: SHOW FUNCTION STATUS WHERE Db = 'ct'
Show: SHOW INDEX FROM `squsers`
Show: SHOW INDEX FROM `t1` FROM `ct`
Show: SHOW KEYS FROM `t1` FROM `ct`
Show: SHOW PACKAGE BODY STATUS WHERE Db = 'ct'
Show: SHOW PACKAGE STATUS WHERE Db = 'ct'
Show: SHOW PROCEDURE STATUS WHERE Db = 'ct'
Show: SHOW VARIABLES LIKE 'lower_case_table_names'
Show: SHOW schemas
Begin: START TRANSACTION
Begin: START TRANSACTION /*!40100 WITH CONSISTENT SNAPSHOT */
Query: SELECT SQL_CALC_FOUND_ROWS DISTINCT a, b FROM t LIMIT 5, 10
Query: SELECT STRAIGHT_JOIN a FROM t1 STRAIGHT_JOIN t2 ON t1.id = t2.id
Query: SELECT SQL_NO_CACHE a FROM t
Query: SELECT GROUP_CONCAT(DISTINCT a ORDER BY b DESC SEPARATOR '-') FROM t GROUP BY c WITH ROLLUP
Query: SELECT DATE_ADD(a, INTERVAL 1 DAY), a + INTERVAL '1:2' MINUTE_SECOND, EXTRACT(YEAR_MONTH FROM a) FROM t
Query: SELECT CONVERT(a USING utf8mb4), CONVERT(a, CHAR(10)), CAST(a AS UNSIGNED INTEGER), CAST(a AS DECIMAL(10,2)), CAST(a AS JSON), BINARY a FROM t
Query: SELECT _utf8mb4'abc' COLLATE utf8mb4_bin, _binary'x', N'y', 1e5, .5, 0xFF, b'1'
Query: SELECT a FROM t WHERE a <=> NULL AND b RLIKE 'x' AND c NOT REGEXP 'y' AND d MEMBER OF ('[1]')
Query: SELECT * FROM (SELECT 1 AS a) x JOIN LATERAL (SELECT 2) y ON 1 = 1
Query: WITH RECURSIVE c(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM c WHERE n < 5) SELECT * FROM c
Query: SELECT ROW_NUMBER() OVER w, SUM(a) OVER (PARTITION BY b ORDER BY c ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW) FROM t WINDOW w AS (ORDER BY a)
Query: (SELECT 1) UNION (SELECT 2) ORDER BY 1 LIMIT 1
Query: TABLE t
Query: VALUES ROW(1, 2), ROW(3, 4)
Query: SELECT a top, b sort, c cluster FROM t
Query: SELECT * FROM t FOR UPDATE OF t NOWAIT
Query: SELECT LEFT(a, 1), RIGHT(a, 1), IF(a, 1, 2), REPLACE(a, 'x', 'y'), INSERT(a, 1, 2, 'z'), CHAR(65 USING utf8mb4) FROM t
Query: SELECT TRIM(BOTH 'x' FROM a), SUBSTRING(a FROM 2 FOR 3), POSITION('a' IN b), UTC_TIMESTAMP, CURRENT_USER, NOW(6)
Query: SELECT t.*, t.select FROM db.t AS t NATURAL LEFT JOIN u
Query: SELECT a FROM t WHERE (a, b) IN ((1, 2), (3, 4)) AND c > ALL (SELECT 1) AND EXISTS (SELECT 1)
Query: SELECT @a, @@global.max_allowed_packet, @@session.sql_mode, @'a b', @`x`
Query: SELECT /*+ MAX_EXECUTION_TIME(10) */ 1 FROM DUAL
Query: SELECT TIMESTAMPDIFF(SECOND, a, b), DATE '2020-01-01', TIMESTAMP '2020-01-01 00:00:00', {d '2020-01-01'}
Query: SELECT a FROM t1 LEFT JOIN (t2 JOIN t3 ON t2.a = t3.a) ON t1.a = t2.a
Query: SELECT COUNT(*), COUNT(DISTINCT a, b) FROM t GROUP BY a HAVING COUNT(*) > 1
Query: WITH c AS (SELECT 1 a) SELECT * FROM c UNION SELECT 2
Query: SELECT a FROM t INTO @x
Refused: SELECT a FROM t INTO OUTFILE '/tmp/x'
Refused: SELECT MATCH (a) AGAINST ('x') FROM t
Refused: CREATE TRIGGER x BEFORE INSERT ON t FOR EACH ROW BEGIN SET @a = 1; SET @b = 2; END
Refused: CREATE DEFINER=`root`@`%` PROCEDURE p() BEGIN SELECT 1; END
Refused: CALL p()
Refused: XA START 'x'
Refused: HANDLER t OPEN
Refused: DROP EVENT e
Refused: CREATE ROLE r
Insert: INSERT INTO t VALUES (1, DEFAULT), (2, NULL)
Insert: INSERT INTO t (a, b) VALUES (1, 2) AS new(x, y) ON DUPLICATE KEY UPDATE a = new.x, b = VALUES(b) + 1
Insert: INSERT IGNORE INTO t SET a = 1, b = DEFAULT
Insert: INSERT INTO t () VALUES ()
Insert: INSERT INTO t (a) SELECT a FROM u ON DUPLICATE KEY UPDATE a = 1
Insert: INSERT LOW_PRIORITY t VALUE (1)
Insert: REPLACE INTO t (a) VALUES (?)
Insert: INSERT INTO t (a) WITH c AS (SELECT 1) SELECT * FROM c
Insert: INSERT INTO t (SELECT 1)
Update: UPDATE t SET a = a + 1 WHERE b = 2 ORDER BY c DESC LIMIT 3
Update: UPDATE IGNORE t1, t2 SET t1.a = t2.b WHERE t1.id = t2.id
Update: UPDATE t1 JOIN t2 ON t1.id = t2.id SET t1.a = 1
Update: WITH c AS (SELECT 1 id) UPDATE t JOIN c USING (id) SET t.a = 1
Delete: DELETE FROM t WHERE a = 1 ORDER BY b LIMIT 1
Delete: DELETE t1, t2.* FROM t1 JOIN t2 ON t1.id = t2.id WHERE t1.a = 1
Delete: DELETE FROM t1, t2 USING t1 JOIN t2 ON t1.id = t2.id
Delete: DELETE QUICK IGNORE FROM t AS x WHERE x.a IN (1, 2)
Set: SET @a = 1, @b := @a + 1, GLOBAL max_connections = 10, sql_mode = 'x', @@session.wait_timeout = 3
Set: SET SESSION TRANSACTION READ ONLY, ISOLATION LEVEL SERIALIZABLE
Set: SET CHARACTER SET utf8mb4
Set: SET PASSWORD FOR 'a'@'%' = 'x'
Set: SET PERSIST x = ON
Show: SHOW FULL COLUMNS FROM t IN db WHERE Field = 'a'
Show: SHOW GLOBAL STATUS LIKE 'Com%'
Show: SHOW COUNT(*) WARNINGS
Show: SHOW WARNINGS LIMIT 1, 2
Show: SHOW GRANTS FOR 'a'@'localhost'
Show: SHOW ENGINE InnoDB STATUS
Show: SHOW TABLE STATUS FROM db LIKE 'x'
Show: SHOW CREATE DATABASE IF NOT EXISTS db
Show: SHOW CHARACTER SET
Show: DESC t a
Explain: EXPLAIN FORMAT=JSON SELECT 1
Explain: EXPLAIN ANALYZE SELECT 1
Begin: START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY
Commit: COMMIT AND NO CHAIN RELEASE
LockTables: LOCK TABLES t READ LOCAL, u AS x LOW_PRIORITY WRITE
CreateDatabase: CREATE DATABASE IF NOT EXISTS d DEFAULT CHARACTER SET = utf8mb4 COLLATE utf8mb4_bin
AlterDatabase: ALTER DATABASE d CHARSET utf8mb4
DropDatabase: DROP SCHEMA IF EXISTS d
CreateTable: CREATE TABLE t (a INT UNSIGNED NOT NULL AUTO_INCREMENT, b VARCHAR(10) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin DEFAULT 'x', c DECIMAL(10,2) DEFAULT -1.5, d DATETIME(6) DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6), e ENUM('a','b') COMMENT 'c', f BIT(3), g INT GENERATED ALWAYS AS (a + 1) STORED, h JSON DEFAULT (JSON_ARRAY()), PRIMARY KEY (a), UNIQUE KEY u (b(3) DESC), KEY k ((a + 1)), CONSTRAINT fk FOREIGN KEY (a) REFERENCES o (id) ON DELETE CASCADE ON UPDATE SET NULL, CHECK (a > 0) NOT ENFORCED) ENGINE=InnoDB AUTO_INCREMENT=5 DEFAULT CHARSET=utf8mb4 COLLATE=utf8mb4_bin COMMENT='x' ROW_FORMAT=DYNAMIC
CreateTable: CREATE TABLE t LIKE u
CreateTable: CREATE TABLE t (a INT) PARTITION BY HASH (a) PARTITIONS 4
CreateTable: CREATE TABLE t (PRIMARY KEY (a)) SELECT 1 AS a
CreateTable: CREATE TABLE t (id SERIAL, a DOUBLE PRECISION, b TIMESTAMP NULL, c SET('x','y'), d NATIONAL VARCHAR(5))
CreateIndex: CREATE UNIQUE INDEX i ON t (a, b(10) DESC) USING BTREE ALGORITHM=INPLACE LOCK=NONE
DropIndex: DROP INDEX i ON t
AlterTable: ALTER TABLE t ADD COLUMN a INT FIRST, ADD (b INT, c INT), DROP COLUMN d, MODIFY e BIGINT AFTER f, CHANGE g h INT, RENAME COLUMN i TO j, ADD INDEX k (a), DROP PRIMARY KEY, ALTER COLUMN l SET DEFAULT 1, RENAME TO m, CONVERT TO CHARACTER SET utf8mb4 COLLATE utf8mb4_bin, ENGINE=InnoDB, AUTO_INCREMENT=7, DISABLE KEYS, ALGORITHM=INPLACE, LOCK=NONE
RenameTable: RENAME TABLE a TO b, c.d TO e.f
Truncate: TRUNCATE TABLE t
CreateView: CREATE ALGORITHM=MERGE DEFINER=`a`@`%` SQL SECURITY INVOKER VIEW v (x) AS SELECT 1 WITH CASCADED CHECK OPTION
LoadData: LOAD DATA LOCAL INFILE 'f' REPLACE INTO TABLE t CHARACTER SET utf8mb4 FIELDS TERMINATED BY ',' OPTIONALLY ENCLOSED BY '"' ESCAPED BY '\\' LINES TERMINATED BY '\n' IGNORE 1 LINES (a, @b) SET c = @b + 1
CreateUser: CREATE USER IF NOT EXISTS 'a'@'%' IDENTIFIED WITH caching_sha2_password BY 'x' REQUIRE SSL PASSWORD EXPIRE NEVER ACCOUNT LOCK
AlterUser: ALTER USER a@localhost IDENTIFIED BY 'y'
DropUser: DROP USER IF EXISTS a, 'b'@'h'
RenameUser: RENAME USER a TO b
Grant: GRANT SELECT (a, b), INSERT, CREATE TEMPORARY TABLES ON db.t TO 'a'@'%' WITH GRANT OPTION
Grant: GRANT ALL PRIVILEGES ON *.* TO root@localhost
Revoke: REVOKE ALL PRIVILEGES, GRANT OPTION FROM a
Flush: FLUSH TABLES WITH READ LOCK
Kill: KILL QUERY 5
Prepare: PREPARE s FROM 'SELECT ?'
Execute: EXECUTE s USING @a, @b
Deallocate: DEALLOCATE PREPARE s
Do: DO SLEEP(1)
Maintain: ANALYZE TABLE a, b
1064: SELECT 1 2
1064: SELECT FROM
1064: INSERT t
1064: SHOW FOO
