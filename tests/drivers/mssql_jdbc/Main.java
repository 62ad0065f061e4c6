// SPDX-License-Identifier: MIT

import com.microsoft.sqlserver.jdbc.ISQLServerBulkData;
import com.microsoft.sqlserver.jdbc.SQLServerAccessTokenCallback;
import com.microsoft.sqlserver.jdbc.SQLServerBulkCopy;
import com.microsoft.sqlserver.jdbc.SQLServerConnectionPoolDataSource;
import com.microsoft.sqlserver.jdbc.SQLServerException;
import com.microsoft.sqlserver.jdbc.SqlAuthenticationToken;
import java.math.BigDecimal;
import java.sql.CallableStatement;
import java.sql.Connection;
import java.sql.DatabaseMetaData;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.ResultSetMetaData;
import java.sql.SQLException;
import java.sql.SQLWarning;
import java.sql.Savepoint;
import java.sql.Statement;
import java.sql.Timestamp;
import java.sql.Types;
import java.time.LocalDate;
import java.time.LocalDateTime;
import java.time.LocalTime;
import java.time.OffsetDateTime;
import java.time.format.DateTimeFormatter;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import java.util.Properties;
import java.util.Set;
import java.util.TreeSet;

/** The operations of the matrix on mssql-jdbc. */
public final class Main {
    private static final String PRINCIPAL = "Login failed for user '<token-identified principal>'.";
    private static String goodStore;
    private static String otherStore;

    private Main() {}

    /** What the callback was told, and what it answers with. */
    public static final class Callback implements SQLServerAccessTokenCallback {
        static String told;

        @Override
        public SqlAuthenticationToken getAccessToken(String spn, String stsurl) {
            told = spn + " " + stsurl;
            return new SqlAuthenticationToken(Matrix.token("developer"), System.currentTimeMillis() + 3600000);
        }
    }

    private static final boolean CLEAR = Matrix.world("clear").equals("true");
    /** Logins by user and password: through the proxy. */
    private static final boolean BY_PASSWORD = Matrix.world("by_password").equals("true");

    private static Properties usual() {
        Properties p = new Properties();
        p.put("serverName", Matrix.world("host"));
        p.put("portNumber", Matrix.world("port"));
        p.put("databaseName", Matrix.world("database"));
        p.put("encrypt", CLEAR ? "false" : "true");
        p.put("trustServerCertificate", "false");
        p.put("trustStore", goodStore);
        p.put("trustStorePassword", "trusted");
        p.put("loginTimeout", "30");
        p.put("connectRetryCount", "0");
        p.put("sendTimeAsDatetime", "false"); // else its time has the precision of datetime
        return p;
    }

    /** A connection with these properties over the usual ones; an admin's token when no login is named. */
    private static Connection open(String... changes) throws SQLException {
        Properties p = usual();
        for (int i = 0; i < changes.length; i += 2) {
            p.put(changes[i], changes[i + 1]);
        }
        if (!p.containsKey("user") && !p.containsKey("authentication") && !p.containsKey("accessToken")
                && !p.containsKey("accessTokenCallbackClass")) {
            if (BY_PASSWORD) {
                p.put("user", Matrix.world("sql_user"));
                p.put("password", Matrix.world("sql_password"));
            } else {
                p.put("accessToken", Matrix.token("admin"));
            }
        }
        return DriverManager.getConnection("jdbc:sqlserver://", p);
    }

    private static Object get(Connection c, String text) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery(text)) {
            Matrix.check(r.next(), "no row");
            return r.getObject(1);
        }
    }

    private static int run(Connection c, String text) throws SQLException {
        try (Statement s = c.createStatement()) {
            return s.executeUpdate(text);
        }
    }

    private static void signedIn(String name, String... changes) throws SQLException {
        try (Connection c = open(changes)) {
            Matrix.equal(get(c, "SELECT USER_NAME()"), name);
        }
    }

    /** By the string that `entrasql connstr convert` printed, which cannot know of the emulator's CA. */
    private static void converted() throws SQLException {
        Properties p = new Properties();
        p.put("trustStore", goodStore);
        p.put("trustStorePassword", "trusted");
        try (Connection c = DriverManager.getConnection(Matrix.world("converted_jdbc"), p)) {
            Matrix.equal(get(c, "SELECT USER_NAME()"), Matrix.world("identity"));
        }
    }

    private static void untrusted() {
        try {
            open("trustStore", otherStore).close();
        } catch (SQLException e) {
            Matrix.check(String.valueOf(e.getMessage()).matches("(?s).*(PKIX|certificat|SSL).*"),
                    "refused for another reason: " + e.getMessage());
            return;
        }
        throw new Matrix.Failed("a certificate of an unknown CA was taken");
    }

    private static final DateTimeFormatter STAMP = DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSSS");

    private static void set(PreparedStatement s, int at, Matrix.Value v) throws SQLException {
        String t = v.text;
        switch (v.kind) {
            case "bit": s.setObject(at, t == null ? null : t.equals("1"), Types.BIT); break;
            case "int": s.setObject(at, t == null ? null : Long.valueOf(t), Types.BIGINT); break;
            case "decimal": case "money":
                s.setBigDecimal(at, t == null ? null : new BigDecimal(t)); break;
            case "float": s.setObject(at, t == null ? null : Double.valueOf(t), Types.DOUBLE); break;
            case "real": s.setObject(at, t == null ? null : Float.valueOf(t), Types.REAL); break;
            case "binary": s.setBytes(at, t == null ? null : Matrix.bytes(t)); break;
            case "date": s.setObject(at, t == null ? null : LocalDate.parse(t), Types.DATE); break;
            case "time": s.setObject(at, t == null ? null : LocalTime.parse(t), Types.TIME); break;
            case "datetimeoffset":
                s.setObject(at, t == null ? null : microsoft.sql.DateTimeOffset.valueOf(offset(t)),
                        microsoft.sql.Types.DATETIMEOFFSET);
                break;
            case "datetime": case "smalldatetime": case "datetime2":
                s.setObject(at, t == null ? null : LocalDateTime.parse(t, STAMP), Types.TIMESTAMP); break;
            default: s.setNString(at, t);
        }
    }

    private static OffsetDateTime offset(String text) {
        return OffsetDateTime.parse(text.substring(0, 10) + "T" + text.substring(11, 27) + text.substring(28));
    }

    private static Object received(ResultSet r, Matrix.Value v) throws SQLException {
        switch (v.kind) {
            case "date": return r.getObject(1, LocalDate.class);
            case "time": {
                LocalTime t = r.getObject(1, LocalTime.class);
                return t == null ? null : t.format(DateTimeFormatter.ofPattern("HH:mm:ss.SSSSSSS"));
            }
            case "datetimeoffset": {
                OffsetDateTime t = r.getObject(1, OffsetDateTime.class);
                return t == null ? null : t.format(DateTimeFormatter.ofPattern("yyyy-MM-dd HH:mm:ss.SSSSSSS xxx"));
            }
            case "datetime": case "smalldatetime": case "datetime2": {
                LocalDateTime t = r.getObject(1, LocalDateTime.class);
                return t == null ? null : t.format(STAMP);
            }
            default: return r.getObject(1);
        }
    }

    private static void oneValue(Connection c, Matrix.Value v) throws SQLException {
        try (Statement s = c.createStatement(); ResultSet r = s.executeQuery("SELECT " + v.expression + " AS v")) {
            Matrix.check(r.next(), "no row");
            v.compare(received(r, v));
        }
        String table = Matrix.unique("t");
        run(c, "CREATE TABLE " + table + " (id int NOT NULL, v " + v.type + ")");
        try (PreparedStatement s = c.prepareStatement("INSERT INTO " + table + " (id, v) VALUES (?, ?)")) {
            s.setInt(1, 7);
            set(s, 2, v);
            s.executeUpdate();
        }
        try (PreparedStatement s = c.prepareStatement("SELECT v FROM " + table + " WHERE id = ? AND " + v.where)) {
            s.setInt(1, 7);
            try (ResultSet r = s.executeQuery()) {
                Matrix.check(r.next(), v.type + ": no row equals the literal after the insert");
                v.compare(received(r, v));
            }
        }
        run(c, "DROP TABLE " + table);
    }

    private static void roundTrip(String op) throws SQLException {
        List<String> failures = new ArrayList<>();
        try (Connection c = open()) {
            for (Matrix.Value v : Matrix.values(op)) {
                try {
                    oneValue(c, v);
                } catch (SQLException | RuntimeException e) {
                    failures.add(v.type + " " + Matrix.shorten(e.getMessage()));
                }
            }
        }
        Matrix.check(failures.isEmpty(), String.join("; ", failures));
    }

    private static void columns() throws SQLException {
        try (Connection c = open(); Statement s = c.createStatement(); ResultSet r = s.executeQuery(
                "SELECT ID, FirstName, CAST(1 AS decimal(9,2)) AS amount FROM Persons WHERE 1 = 0")) {
            ResultSetMetaData m = r.getMetaData();
            List<String> got = new ArrayList<>();
            for (int i = 1; i <= m.getColumnCount(); i++) {
                got.add(m.getColumnName(i) + " " + m.getColumnTypeName(i) + " " + m.getPrecision(i) + " " + m.getScale(i));
            }
            Matrix.equal(got, "[ID int 10 0, FirstName varchar 255 0, amount decimal 9 2]");
            Matrix.check(!r.next(), "a row came");
        }
    }

    private static void prepare() throws SQLException {
        try (Connection c = open()) {
            String table = Matrix.unique("t");
            run(c, "CREATE TABLE " + table + " (a int, b nvarchar(20))");
            try (PreparedStatement s = c.prepareStatement("INSERT INTO " + table + " VALUES (?, ?)")) {
                for (int i = 0; i < 3; i++) {
                    s.setInt(1, i);
                    s.setString(2, "n" + i);
                    s.executeUpdate();
                }
            }
            Matrix.equal(get(c, "SELECT CONCAT(COUNT(*), MIN(b), MAX(b)) FROM " + table), "3n0n2");
            run(c, "DROP TABLE " + table);
        }
    }

    private static void resultSets() throws SQLException {
        try (Connection c = open(); Statement s = c.createStatement()) {
            boolean more = s.execute("SELECT 1 AS a; SELECT N'x' AS b, 2 AS c WHERE 1 = 0; "
                    + "SELECT N'two' AS d UNION ALL SELECT N'three'");
            List<String> got = new ArrayList<>();
            while (more) {
                try (ResultSet r = s.getResultSet()) {
                    got.add(r.getMetaData().getColumnName(1));
                    while (r.next()) {
                        got.add(r.getString(1));
                    }
                }
                more = s.getMoreResults();
            }
            Matrix.equal(got, "[a, 1, b, d, two, three]");
        }
    }

    private static void rowCounts() throws SQLException {
        try (Connection c = open(); Statement s = c.createStatement()) {
            String table = Matrix.unique("t");
            run(c, "CREATE TABLE " + table + " (a int)");
            Matrix.equal(run(c, "INSERT INTO " + table + " VALUES (1), (2), (3)"), 3);
            Matrix.equal(run(c, "DELETE FROM " + table + " WHERE a = 99"), 0);
            s.execute("UPDATE " + table + " SET a = 5; DELETE FROM " + table + " WHERE a = 6");
            List<Integer> counts = new ArrayList<>();
            for (int n = s.getUpdateCount(); n != -1; n = s.getUpdateCount()) {
                counts.add(n);
                s.getMoreResults();
            }
            Matrix.equal(counts, "[3, 0]");
            run(c, "DROP TABLE " + table);
        }
    }

    private static void procedure() throws SQLException {
        try (Connection c = open()) {
            String name = Matrix.unique("p");
            run(c, "CREATE PROCEDURE " + name + " @a int, @b int OUTPUT AS BEGIN SET @b = @a * 2; "
                    + "SELECT @a AS a; RETURN 3 END");
            try (CallableStatement s = c.prepareCall("{? = call " + name + "(?, ?)}")) {
                s.registerOutParameter(1, Types.INTEGER);
                s.setInt(2, 21);
                s.registerOutParameter(3, Types.INTEGER);
                try (ResultSet r = s.executeQuery()) {
                    Matrix.check(r.next(), "no row");
                    Matrix.equal(r.getInt(1), 21);
                }
                Matrix.equal(s.getInt(3) + " " + s.getInt(1), "42 3");
            }
            run(c, "DROP PROCEDURE " + name);
        }
    }

    private static void errorDetail() throws Exception {
        try (Connection c = open(); Statement s = c.createStatement()) {
            Matrix.refused(() -> {
                s.execute("SELECT 1 AS a\n\nSELECT * FROM nosuchtable");
                while (s.getMoreResults() || s.getUpdateCount() != -1) {
                    continue;
                }
            }, 208, "Invalid object name 'nosuchtable'.");
            try {
                s.execute("\nRAISERROR(N'made %d', 16, 7, 42)");
            } catch (SQLServerException e) {
                var error = e.getSQLServerError();
                Matrix.equal(error.getErrorNumber() + " " + error.getErrorState() + " " + error.getErrorSeverity() + " "
                        + error.getLineNumber() + " " + error.getErrorMessage(), "50000 7 16 2 made 42");
                Matrix.equal(get(c, "SELECT 5"), 5);
                return;
            }
            throw new Matrix.Failed("RAISERROR raised nothing");
        }
    }

    private static void message() throws SQLException {
        try (Connection c = open(); Statement s = c.createStatement()) {
            s.execute("PRINT N'hello \u00e9'");
            SQLWarning w = s.getWarnings();
            Matrix.equal(w == null ? null : w.getMessage(), "hello \u00e9");
        }
    }

    private static void cancel() throws Exception {
        try (Connection c = open(); Statement s = c.createStatement()) {
            Thread later = new Thread(() -> {
                try {
                    Thread.sleep(700);
                    s.cancel();
                } catch (InterruptedException | SQLException e) {
                    throw new IllegalStateException(e);
                }
            });
            long began = System.nanoTime();
            later.start();
            try {
                s.execute("WAITFOR DELAY '00:00:20'; SELECT 1");
                throw new Matrix.Failed("the statement ended as if it had not been cancelled");
            } catch (SQLException e) {
                Matrix.check(e.getMessage().contains("cancel"), e.getMessage());
            }
            Matrix.check(System.nanoTime() - began < 10e9, "the cancel took longer than 10 seconds");
            later.join();
            Matrix.equal(get(c, "SELECT 6"), 6);
        }
    }

    private static ISQLServerBulkData thousandRows() {
        return new ISQLServerBulkData() {
            private static final long serialVersionUID = 1L;
            private final String[] names = {"id", "name", "price", "made"};
            private final int[] types = {Types.INTEGER, Types.NVARCHAR, Types.DECIMAL, Types.TIMESTAMP};
            private int row = -1;

            @Override
            public Set<Integer> getColumnOrdinals() {
                return new TreeSet<>(Set.of(1, 2, 3, 4));
            }

            @Override
            public String getColumnName(int i) {
                return names[i - 1];
            }

            @Override
            public int getColumnType(int i) {
                return types[i - 1];
            }

            @Override
            public int getPrecision(int i) {
                return new int[] {10, 50, 9, 23}[i - 1];
            }

            @Override
            public int getScale(int i) {
                return new int[] {0, 0, 2, 3}[i - 1];
            }

            @Override
            public Object[] getRowData() {
                return new Object[] {row, row % 10 == 0 ? null : String.format("n\u00e9 %04d", row),
                    BigDecimal.valueOf(row).divide(BigDecimal.valueOf(4)), Timestamp.valueOf("2024-02-29 01:02:03.123")};
            }

            @Override
            public boolean next() {
                return ++row < 1000;
            }
        };
    }

    private static void bulk() throws SQLException {
        try (Connection c = open()) {
            String table = Matrix.unique("t");
            run(c, "CREATE TABLE " + table + " (id int NOT NULL, name nvarchar(50), price decimal(9,2), made datetime2(3))");
            try (SQLServerBulkCopy copy = new SQLServerBulkCopy(c)) {
                copy.setDestinationTableName(table);
                copy.writeToServer(thousandRows());
            }
            Matrix.equal(get(c, "SELECT CONCAT(COUNT(*), ' ', SUM(id), ' ', SUM(price), ' ', MIN(name)) FROM " + table),
                    "1000 499500 124875.00 n\u00e9 0001");
            run(c, "DROP TABLE " + table);
        }
    }

    /** A session with a table of one row, in a transaction; another to look with. */
    private interface Pair {
        void use(Connection first, Connection second, String table) throws Exception;
    }

    private static void pair(Pair pair) throws Exception {
        String table = Matrix.unique("t");
        try (Connection second = open()) {
            run(second, "CREATE TABLE " + table + " (a int)");
            run(second, "INSERT INTO " + table + " VALUES (1)");
            try (Connection first = open()) {
                first.setAutoCommit(false);
                pair.use(first, second, table);
                first.rollback();
            }
            run(second, "DROP TABLE " + table);
        }
    }

    private static Object count(Connection c, String table) throws SQLException {
        return get(c, "SELECT COUNT(*) FROM " + table);
    }

    private static void commit(Connection first, Connection second, String table) throws SQLException {
        run(first, "INSERT INTO " + table + " VALUES (2)");
        Matrix.equal(count(second, table), 1);
        first.commit();
        Matrix.equal(count(second, table), 2);
    }

    private static void rollback(Connection first, Connection second, String table) throws SQLException {
        run(first, "INSERT INTO " + table + " VALUES (2)");
        Matrix.equal(count(first, table), 2);
        first.rollback();
        Matrix.equal(count(first, table), 1);
    }

    private static void isolation() throws SQLException {
        try (Connection c = open()) {
            c.setTransactionIsolation(Connection.TRANSACTION_SERIALIZABLE);
            Matrix.equal(get(c, "SELECT transaction_isolation_level FROM sys.dm_exec_sessions "
                    + "WHERE session_id = @@SPID"), 4);
        }
    }

    private static void xactAbort(Connection first, Connection second, String table) throws Exception {
        run(first, "SET XACT_ABORT ON");
        run(first, "INSERT INTO " + table + " VALUES (2)");
        Matrix.refused(() -> run(first, "INSERT INTO " + table + " VALUES (1 / 0)"), 8134,
                "Divide by zero error encountered.");
        Matrix.equal(count(second, table), 1);
        Matrix.equal(get(first, "SELECT @@TRANCOUNT"), 0);
    }

    private static void savepoint(Connection first, Connection second, String table) throws SQLException {
        run(first, "INSERT INTO " + table + " VALUES (2)");
        Savepoint mark = first.setSavepoint("mark1");
        run(first, "INSERT INTO " + table + " VALUES (3)");
        first.rollback(mark);
        first.commit();
        Matrix.equal(get(second, "SELECT CONCAT(COUNT(*), ' ', SUM(a)) FROM " + table), "2 3");
    }

    private static void chained(Connection first, Connection second, String table) throws SQLException {
        for (int i = 2; i < 4; i++) {
            run(first, "INSERT INTO " + table + " VALUES (" + i + ")");
            Matrix.equal(get(first, "SELECT @@TRANCOUNT"), 1);
            first.commit();
        }
        run(first, "INSERT INTO " + table + " VALUES (4)");
        first.rollback();
        Matrix.equal(count(second, table), 3);
    }

    private static void poolReset() throws SQLException {
        SQLServerConnectionPoolDataSource source = new SQLServerConnectionPoolDataSource();
        source.setServerName(Matrix.world("host"));
        source.setPortNumber(Integer.parseInt(Matrix.world("port")));
        source.setDatabaseName(Matrix.world("database"));
        source.setEncrypt(CLEAR ? "false" : "true");
        source.setTrustStore(goodStore);
        source.setTrustStorePassword("trusted");
        if (BY_PASSWORD) {
            source.setUser(Matrix.world("sql_user"));
            source.setPassword(Matrix.world("sql_password"));
        } else {
            source.setAccessToken(Matrix.token("admin"));
        }
        var pooled = source.getPooledConnection();
        Object spid;
        try (Connection c = pooled.getConnection()) {
            spid = get(c, "SELECT @@SPID");
            run(c, "CREATE TABLE #left (a int)");
            run(c, "SET LOCK_TIMEOUT 1234");
        }
        try (Connection c = pooled.getConnection()) {
            Matrix.equal(get(c, "SELECT @@SPID"), spid);
            Matrix.equal(get(c, "SELECT @@LOCK_TIMEOUT"), -1);
            Matrix.equal(get(c, "SELECT OBJECT_ID(N'tempdb..#left')"), null);
        }
        pooled.close();
    }

    private static List<String> list(ResultSet r, String... names) throws SQLException {
        List<String> got = new ArrayList<>();
        while (r.next()) {
            StringBuilder line = new StringBuilder();
            for (String name : names) {
                line.append(line.length() == 0 ? "" : " ").append(r.getString(name));
            }
            got.add(line.toString());
        }
        r.close();
        return got;
    }

    private static void catalogTables() throws SQLException {
        try (Connection c = open()) {
            Matrix.equal(list(c.getMetaData().getTables(null, null, "Persons", null), "TABLE_SCHEM", "TABLE_NAME",
                    "TABLE_TYPE"), "[dbo Persons TABLE]");
        }
    }

    private static void catalogColumns() throws SQLException {
        try (Connection c = open()) {
            Matrix.equal(list(c.getMetaData().getColumns(null, "dbo", "Persons", null), "COLUMN_NAME", "TYPE_NAME",
                    "COLUMN_SIZE", "IS_AUTOINCREMENT"),
                    "[ID int identity 10 YES, FirstName varchar 255 NO, LastName varchar 255 NO]");
        }
    }

    private static void catalogKeys() throws SQLException {
        try (Connection c = open()) {
            String parent = Matrix.unique("parent");
            String child = Matrix.unique("child");
            run(c, "CREATE TABLE " + parent + " (id int NOT NULL CONSTRAINT pk_" + parent
                    + " PRIMARY KEY, code int NOT NULL)");
            run(c, "CREATE TABLE " + child + " (pid int CONSTRAINT fk_" + child + " REFERENCES " + parent + "(id))");
            run(c, "CREATE UNIQUE INDEX ix_" + parent + " ON " + parent + "(code)");
            DatabaseMetaData m = c.getMetaData();
            Matrix.equal(list(m.getPrimaryKeys(null, "dbo", parent), "COLUMN_NAME", "PK_NAME"), "[id pk_" + parent + "]");
            Matrix.equal(list(m.getImportedKeys(null, "dbo", child), "PKCOLUMN_NAME", "FKCOLUMN_NAME", "FK_NAME"),
                    "[id pid fk_" + child + "]");
            List<String> indexes = list(m.getIndexInfo(null, "dbo", parent, false, false), "INDEX_NAME", "COLUMN_NAME");
            indexes.removeIf(line -> line.startsWith("null"));
            Matrix.equal(new TreeSet<>(indexes), "[ix_" + parent + " code, pk_" + parent + " id]");
            run(c, "DROP TABLE " + child);
            run(c, "DROP TABLE " + parent);
        }
    }

    private static void callback() throws SQLException {
        signedIn(Matrix.world("developer"), "accessTokenCallbackClass", Callback.class.getName());
        Matrix.equal(Callback.told, "https://database.windows.net/ " + Matrix.world("authority").replaceAll("/$", "")
                + "/" + Matrix.world("tenant_id"));
    }

    private static Map<String, Matrix.Act> logins() {
        Map<String, Matrix.Act> acts = new LinkedHashMap<>();
        acts.put("login-74", () -> open().close());
        acts.put("login-80", () -> open("encrypt", "strict").close());
        acts.put("login-untrusted", Main::untrusted);
        acts.put("token", () -> signedIn(Matrix.world("developer"), "accessToken", Matrix.token("developer")));
        acts.put("entra-secret", () -> signedIn(Matrix.world("app"), "authentication", "ActiveDirectoryServicePrincipal",
                "user", Matrix.world("app_client_id"), "password", Matrix.world("app_secret")));
        acts.put("entra-password", () -> signedIn(Matrix.world("developer"), "authentication",
                "ActiveDirectoryPassword", "user", Matrix.world("developer"), "password",
                Matrix.world("developer_password")));
        acts.put("entra-identity", () -> {
            signedIn(Matrix.world("identity"), "authentication", "ActiveDirectoryManagedIdentity", "msiClientId",
                    Matrix.world("identity_client_id"));
            converted();
        });
        acts.put("entra-default", () -> signedIn(Matrix.world("identity"), "authentication", "ActiveDirectoryDefault",
                "msiClientId", Matrix.world("identity_client_id")));
        acts.put("entra-callback", Main::callback);
        acts.put("sql-login", () -> {
            try (Connection c = open("user", Matrix.world("sql_user"), "password", Matrix.world("sql_password"))) {
                Matrix.equal(get(c, "SELECT SUSER_SNAME()"), Matrix.world("sql_user"));
            }
        });
        acts.put("refuse-no-token", () -> Matrix.refused(() -> open("user", "nobody", "password", "Nothing-1!"), 18456,
                "Login failed for user 'nobody'."));
        acts.put("refuse-password", () -> Matrix.refused(() -> open("user", Matrix.world("sql_user"), "password",
                "Wrong-1!"), 18456, "Login failed for user '" + Matrix.world("sql_user") + "'."));
        acts.put("refuse-expired", () -> Matrix.refused(() -> open("accessToken", Matrix.token("expired")), 18456,
                PRINCIPAL + " Token is expired."));
        acts.put("refuse-audience", () -> Matrix.refused(() -> open("accessToken", Matrix.token("audience")), 18456,
                PRINCIPAL));
        acts.put("refuse-unknown", () -> Matrix.refused(() -> open("accessToken", Matrix.token("stranger")), 18456,
                PRINCIPAL));
        acts.put("refuse-database", () -> Matrix.refused(() -> open("databaseName", "nosuch"), 4060,
                "Cannot open database \"nosuch\" requested by the login. The login failed."));
        return acts;
    }

    public static void main(String[] args) throws Exception {
        goodStore = Matrix.trustStore(Matrix.world("ca_file"));
        otherStore = Matrix.trustStore(Matrix.world("other_ca_file"));
        System.setProperty("javax.net.ssl.trustStore", goodStore); // of the identity libraries
        System.setProperty("javax.net.ssl.trustStorePassword", "trusted");
        Map<String, Matrix.Act> acts = logins();
        for (String kind : "integer decimal float text binary time guid large".split(" ")) {
            acts.put("type-" + kind, () -> roundTrip("type-" + kind));
        }
        acts.put("type-columns", Main::columns);
        acts.put("prepare", Main::prepare);
        acts.put("result-sets", Main::resultSets);
        acts.put("row-counts", Main::rowCounts);
        acts.put("procedure", Main::procedure);
        acts.put("error-detail", Main::errorDetail);
        acts.put("message", Main::message);
        acts.put("cancel", Main::cancel);
        acts.put("bulk", Main::bulk);
        acts.put("commit", () -> pair(Main::commit));
        acts.put("rollback", () -> pair(Main::rollback));
        acts.put("isolation", Main::isolation);
        acts.put("xact-abort", () -> pair(Main::xactAbort));
        acts.put("savepoint", () -> pair(Main::savepoint));
        acts.put("chained", () -> pair(Main::chained));
        acts.put("pool-reset", Main::poolReset);
        acts.put("catalog-tables", Main::catalogTables);
        acts.put("catalog-columns", Main::catalogColumns);
        acts.put("catalog-keys", Main::catalogKeys);
        Matrix.run(args, acts);
    }
}
