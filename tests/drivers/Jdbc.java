import java.math.BigDecimal;
import java.sql.*;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Properties;
import java.util.concurrent.CompletableFuture;

/**
 * JDBC, whichever driver is on the class path: MySQL's Connector/J (scheme "mysql") or MariaDB's ("mariadb").
 *
 * java -cp DRIVER.jar Jdbc.java host port user password database mysql|mariadb
 */
public class Jdbc {
    // column, type, its text as `getString` gives it
    static final String[][] TYPES = {
        {"ti", "TINYINT", "-128"}, {"tu", "TINYINT UNSIGNED", "255"}, {"si", "SMALLINT", "-32768"},
        {"mi", "MEDIUMINT", "-8388608"}, {"i", "INT", "-2147483648"}, {"iu", "INT UNSIGNED", "4294967295"},
        {"bi", "BIGINT", "-9223372036854775808"}, {"bu", "BIGINT UNSIGNED", "18446744073709551615"},
        {"f", "FLOAT", "1.5"}, {"d", "DOUBLE", "-1.25"},
        {"de", "DECIMAL(65,30)", "-12345678901234567890123456789012345.123456789012345678901234567890"},
        {"c", "CHAR(10)", "abc"}, {"v", "VARCHAR(100)", "na\u00efve \ud83d\ude00 '\\ \n"}, {"t", "LONGTEXT", "long ".repeat(20000)},
        {"da", "DATE", "2024-02-29"}, {"tm", "TIME", "23:59:58"}, {"dt", "DATETIME(6)", "9999-12-31 23:59:59.999999"},
        {"ts", "TIMESTAMP(3) NULL", "2024-02-29 12:00:00.123"}, {"e", "ENUM('small', 'large')", "large"},
        {"j", "JSON", "{\"a\": [1, null, \"b\"]}"},
    };
    static final byte[] BYTES = new byte[76800];
    static String url, user, password, database, statement = "";
    static boolean prepares;
    static int failed;

    interface Check {
        void run(Connection connection) throws Exception;
    }

    static Connection connect() throws SQLException {
        Properties properties = new Properties();
        properties.put("user", user);
        properties.put("password", password);
        properties.put("useServerPrepStmts", String.valueOf(prepares));
        properties.put("rewriteBatchedStatements", String.valueOf(!prepares));
        properties.put("allowPublicKeyRetrieval", "true");
        properties.put("useSSL", "false");
        return DriverManager.getConnection(url, properties);
    }

    static void run(Connection connection, String sql) throws SQLException {
        statement = sql;
        try (Statement done = connection.createStatement()) {
            done.execute(sql);
        }
    }

    static String one(Connection connection, String sql) throws SQLException {
        statement = sql;
        try (Statement done = connection.createStatement(); ResultSet found = done.executeQuery(sql)) {
            return found.next() ? found.getString(1) : null;
        }
    }

    static PreparedStatement prepare(Connection connection, String sql, int... keys) throws SQLException {
        statement = sql + " (prepared)";
        return keys.length > 0 ? connection.prepareStatement(sql, keys[0]) : connection.prepareStatement(sql);
    }

    static void equal(Object found, Object expected) {
        if (!String.valueOf(found).equals(String.valueOf(expected))) {
            throw new AssertionError(found + ", expected " + expected);
        }
    }

    static void refused(int number, Connection connection, String sql) throws SQLException {
        try {
            run(connection, sql);
        } catch (SQLException error) {
            equal(error.getErrorCode(), number);
            return;
        }
        throw new AssertionError("no error, expected " + number);
    }

    static void types(Connection connection) throws Exception {
        StringBuilder columns = new StringBuilder("id INT PRIMARY KEY, bl LONGBLOB"), marks = new StringBuilder("?, ?");
        for (String[] type : TYPES) {
            columns.append(", ").append(type[0]).append(' ').append(type[1]);
            marks.append(", ?");
        }
        run(connection, "CREATE TABLE every_type (" + columns + ")");
        try (PreparedStatement insert = prepare(connection, "INSERT INTO every_type VALUES (" + marks + ")")) {
            insert.setInt(1, 1);
            insert.setBytes(2, BYTES);
            for (int at = 0; at < TYPES.length; at++) {
                insert.setString(at + 3, TYPES[at][2]);
            }
            equal(insert.executeUpdate(), 1);
            insert.setInt(1, 2);
            for (int at = 2; at < TYPES.length + 3; at++) {
                insert.setNull(at, Types.NULL);
            }
            equal(insert.executeUpdate(), 1);
            insert.setInt(1, 3);
            typed(insert);
            equal(insert.executeUpdate(), 1);
        }
        try (PreparedStatement select = prepare(connection, "SELECT * FROM every_type WHERE id = ?")) {
            for (int id = 1; id <= 3; id++) {
                select.setInt(1, id);
                try (ResultSet found = select.executeQuery()) {
                    found.next();
                    compare(found, id);
                }
            }
        }
        try (Statement plain = connection.createStatement(); ResultSet found = plain.executeQuery("SELECT * FROM every_type ORDER BY id")) {
            for (int id = 1; found.next(); id++) {
                compare(found, id);
            }
        }
    }

    /** The same row in Java's own types. */
    static void typed(PreparedStatement insert) throws SQLException {
        insert.setBytes(2, BYTES);
        for (int at = 0; at < TYPES.length; at++) {
            String value = TYPES[at][2];
            switch (TYPES[at][0]) {
                case "ti", "si", "mi", "i", "tu" -> insert.setInt(at + 3, Integer.parseInt(value));
                case "iu", "bi" -> insert.setLong(at + 3, Long.parseLong(value));
                case "bu", "de" -> insert.setBigDecimal(at + 3, new BigDecimal(value));
                case "f" -> insert.setFloat(at + 3, Float.parseFloat(value));
                case "d" -> insert.setDouble(at + 3, Double.parseDouble(value));
                case "da" -> insert.setDate(at + 3, Date.valueOf(value));
                case "tm" -> insert.setTime(at + 3, Time.valueOf(value));
                case "dt", "ts" -> insert.setTimestamp(at + 3, Timestamp.valueOf(value));
                default -> insert.setString(at + 3, value);
            }
        }
    }

    static void compare(ResultSet found, int id) throws SQLException {
        equal(found.getInt(1), id);
        List<String> wrong = new ArrayList<>();
        if (!Arrays.equals(found.getBytes("bl"), id == 2 ? null : BYTES)) {
            wrong.add("bl LONGBLOB");
        }
        for (String[] type : TYPES) {
            String text = found.getString(type[0]), expected = id == 2 ? null : type[2];
            // MariaDB's driver gives a TIME that comes in binary six digits, whatever the column has.
            if (type[1].equals("TIME") && text != null) {
                text = text.replace(".000000", "");
            }
            if (!String.valueOf(text).equals(String.valueOf(expected))) {
                wrong.add(type[0] + " " + type[1] + ": " + text + ", expected " + expected);
            }
            found.getObject(type[0]);
        }
        if (!wrong.isEmpty()) {
            throw new AssertionError("row " + id + ": " + wrong);
        }
    }

    static void batches(Connection connection) throws Exception {
        run(connection, "CREATE TABLE batch (id INT AUTO_INCREMENT PRIMARY KEY, n INT, v VARCHAR(20))");
        connection.setAutoCommit(false);
        try (PreparedStatement insert = prepare(connection, "INSERT INTO batch (n, v) VALUES (?, ?)", Statement.RETURN_GENERATED_KEYS)) {
            for (int n = 0; n < 2000; n++) {
                insert.setInt(1, n);
                insert.setString(2, "v" + n);
                insert.addBatch();
            }
            equal(insert.executeBatch().length, 2000);
            try (ResultSet keys = insert.getGeneratedKeys()) {
                int count = 0;
                for (; keys.next(); count++) {
                    equal(keys.getInt(1), count + 1);
                }
                equal(count, 2000);
            }
        }
        connection.commit();
        connection.setAutoCommit(true);
        equal(one(connection, "SELECT CONCAT(COUNT(*), ' ', SUM(n)) FROM batch"), "2000 1999000");
        try (PreparedStatement limited = prepare(connection, "SELECT n FROM batch WHERE n >= ? ORDER BY n LIMIT ? OFFSET ?")) {
            limited.setInt(1, 5);
            limited.setInt(2, 2);
            limited.setInt(3, 1);
            try (ResultSet found = limited.executeQuery()) {
                found.next();
                equal(found.getInt(1), 6);
            }
        }
        try (PreparedStatement cursor = prepare(connection, "SELECT n FROM batch ORDER BY n")) {
            cursor.setFetchSize(Integer.MIN_VALUE);
            try (ResultSet found = cursor.executeQuery()) {
                int count = 0;
                while (found.next()) {
                    equal(found.getInt(1), count++);
                }
                equal(count, 2000);
            }
        }
    }

    static void transactions(Connection connection) throws Exception {
        run(connection, "CREATE TABLE acid (id INT PRIMARY KEY, n INT)");
        connection.setAutoCommit(false);
        connection.setTransactionIsolation(Connection.TRANSACTION_READ_COMMITTED);
        run(connection, "INSERT INTO acid VALUES (1, 0), (2, 0)");
        connection.commit();
        run(connection, "UPDATE acid SET n = 9");
        connection.rollback();
        run(connection, "UPDATE acid SET n = 1 WHERE id = 1");
        Savepoint here = connection.setSavepoint("here");
        run(connection, "UPDATE acid SET n = 2 WHERE id = 2");
        connection.rollback(here);
        connection.commit();
        equal(one(connection, "SELECT GROUP_CONCAT(n ORDER BY id) FROM acid"), "1,0");
        connection.commit();
        connection.setReadOnly(true);
        equal(one(connection, "SELECT COUNT(*) FROM acid"), 2);
        connection.rollback();
        connection.setReadOnly(false);
    }

    static void errors(Connection connection) throws Exception {
        refused(1062, connection, "INSERT INTO acid VALUES (1, 5)");
        refused(1146, connection, "SELECT * FROM nowhere");
        refused(1064, connection, "SELEC 1");
        try (PreparedStatement insert = prepare(connection, "INSERT INTO acid VALUES (?, 5)")) {
            insert.setInt(1, 1);
            insert.executeUpdate();
            throw new AssertionError("no error, expected 1062");
        } catch (SQLIntegrityConstraintViolationException error) {
            equal(error.getErrorCode(), 1062);
        }
    }

    static void deadlocks(Connection connection) throws Exception {
        try (Connection other = connect()) {
            connection.setAutoCommit(false);
            other.setAutoCommit(false);
            run(connection, "UPDATE acid SET n = n + 1 WHERE id = 1");
            run(other, "UPDATE acid SET n = n + 1 WHERE id = 2");
            CompletableFuture<Integer> waiting = CompletableFuture.supplyAsync(() -> last(other, 1));
            equal(last(connection, 2) + waiting.get(), 1213);
        }
    }

    static int last(Connection of, int id) {
        try {
            try {
                run(of, "UPDATE acid SET n = n + 1 WHERE id = " + id);
                return 0;
            } finally {
                of.rollback();
            }
        } catch (SQLException error) {
            return error.getErrorCode();
        }
    }

    static void metadata(Connection connection) throws Exception {
        run(connection, "CREATE TABLE parent (a INT, b INT, PRIMARY KEY (b, a))");
        run(connection, "CREATE TABLE child (id BIGINT UNSIGNED PRIMARY KEY, a INT NOT NULL DEFAULT 5, b INT,"
            + " name VARCHAR(30) COMMENT 'said', UNIQUE KEY by_name (name), FOREIGN KEY (b, a) REFERENCES parent (b, a))");
        DatabaseMetaData about = connection.getMetaData();
        statement = "DatabaseMetaData.getColumns";
        equal(strings(about.getColumns(database, null, "child", "%"), "COLUMN_NAME"), "[id, a, b, name]");
        equal(strings(about.getColumns(database, null, "child", "%"), "DATA_TYPE"), "[-5, 4, 4, 12]");
        equal(strings(about.getColumns(database, null, "child", "%"), "COLUMN_SIZE"), "[20, 10, 10, 30]");
        statement = "DatabaseMetaData.getPrimaryKeys";
        equal(strings(about.getPrimaryKeys(database, null, "parent"), "COLUMN_NAME"), "[a, b]");
        statement = "DatabaseMetaData.getIndexInfo";
        equal(strings(about.getIndexInfo(database, null, "child", true, false), "INDEX_NAME").contains("by_name"), "true");
        statement = "DatabaseMetaData.getImportedKeys";
        equal(strings(about.getImportedKeys(database, null, "child"), "FKCOLUMN_NAME"), "[b, a]");
        statement = "DatabaseMetaData.getExportedKeys";
        equal(strings(about.getExportedKeys(database, null, "parent"), "PKCOLUMN_NAME"), "[b, a]");
        statement = "DatabaseMetaData.getCatalogs";
        equal(strings(about.getCatalogs(), "TABLE_CAT").contains(database), "true");
        statement = "DatabaseMetaData.getTypeInfo, getProcedures, getTablePrivileges";
        about.getTypeInfo().close();
        about.getProcedures(database, null, "%").close();
        about.getTablePrivileges(database, null, "child").close();
        try (PreparedStatement select = prepare(connection, "SELECT id, name AS called FROM child WHERE id = ?")) {
            equal(select.getParameterMetaData().getParameterCount(), 1);
            ResultSetMetaData columns = select.getMetaData();
            equal(columns.getColumnLabel(2) + columns.getColumnName(2) + columns.getTableName(2), "callednamechild");
            equal(columns.getColumnTypeName(1), "BIGINT UNSIGNED");
        }
    }

    static void tables(Connection connection) throws Exception {
        run(connection, "CREATE TABLE found (a INT PRIMARY KEY)");
        statement = "DatabaseMetaData.getTables";
        DatabaseMetaData about = connection.getMetaData();
        equal(strings(about.getTables(database, null, "found", null), "TABLE_NAME"), "[found]");
        equal(strings(about.getTables(database, null, "found", new String[] {"TABLE"}), "TABLE_NAME"), "[found]");
    }

    static List<String> strings(ResultSet rows, String column) throws SQLException {
        List<String> found = new ArrayList<>();
        try (rows) {
            while (rows.next()) {
                found.add(rows.getString(column));
            }
        }
        return found;
    }

    static void check(String name, Check check) {
        try (Connection connection = connect()) {
            check.run(connection);
            System.out.println("ok " + name);
        } catch (Throwable error) {
            failed++;
            System.out.println("FAIL " + name + ": " + statement.substring(0, Math.min(200, statement.length())) + ": "
                + error.getClass().getSimpleName() + ": " + error.getMessage());
            error.printStackTrace();
        }
    }

    static void all(boolean server) throws SQLException {
        prepares = server;
        String kind = server ? ", prepared by the server" : ", prepared by the driver";
        check("types" + kind, Jdbc::types);
        check("batches" + kind, Jdbc::batches);
        check("transactions" + kind, Jdbc::transactions);
        check("errors" + kind, Jdbc::errors);
        check("deadlocks" + kind, Jdbc::deadlocks);
        check("tables" + kind, Jdbc::tables);
        check("metadata" + kind, Jdbc::metadata);
        try (Connection connection = connect()) {
            for (String table : new String[] {"every_type", "batch", "acid", "child", "parent", "found"}) {
                run(connection, "DROP TABLE IF EXISTS " + table);
            }
        }
    }

    public static void main(String[] given) throws Exception {
        database = given[4];
        url = "jdbc:" + given[5] + "://" + given[0] + ":" + given[1] + "/" + database;
        user = given[2];
        password = given[3];
        for (int at = 0; at < BYTES.length; at++) {
            BYTES[at] = (byte) at;
        }
        all(false);
        all(true);
        System.exit(failed > 0 ? 1 : 0);
    }
}
