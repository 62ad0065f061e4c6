// SPDX-License-Identifier: MIT

// The operations of the matrix on go-mssqldb and its azuread package.
package main

import (
	"context"
	"database/sql"
	"encoding/hex"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/golang-sql/sqlexp"
	mssql "github.com/microsoft/go-mssqldb"
	"github.com/microsoft/go-mssqldb/azuread"
	"github.com/microsoft/go-mssqldb/msdsn"
)

var background = context.Background()

// login is what a connection differs in from the usual one.
type login struct {
	token, user, password, database, encrypt, ca, fedauth, client string
}

func dsn(l login) string {
	q := url.Values{}
	q.Set("database", or(l.database, world.Database))
	q.Set("encrypt", or(l.encrypt, usualEncrypt()))
	q.Set("certificate", or(l.ca, world.CAFile))
	q.Set("TrustServerCertificate", "false")
	q.Set("dial timeout", "20")
	if l.fedauth != "" {
		q.Set("fedauth", l.fedauth)
		// Its word for clouds that login.microsoftonline.com does not know.
		q.Set("disableinstancediscovery", "true")
	}
	if l.client != "" {
		q.Set("applicationclientid", l.client)
	}
	u := url.URL{Scheme: "sqlserver", Host: fmt.Sprintf("%s:%d", world.Host, world.Port),
		RawQuery: q.Encode()}
	if l.user != "" {
		u.User = url.UserPassword(l.user, l.password)
	}
	return u.String()
}

func or(a, b string) string {
	if a != "" {
		return a
	}
	return b
}

// converted signs in by the string that `entrasql connstr convert` printed, which cannot know of the
// emulator's CA and authority.
func converted() {
	db, err := sql.Open(azuread.DriverName, world.ConvertedGo+"&certificate="+
		url.QueryEscape(world.CAFile)+"&disableinstancediscovery=true")
	must(err)
	defer db.Close()
	var name string
	must(db.QueryRowContext(background, "SELECT USER_NAME()").Scan(&name))
	equal(name, world.Identity, "user")
}

func usualEncrypt() string {
	if world.Clear {
		return "disable"
	}
	return "true"
}

func open(l login) *sql.DB {
	if world.ByPassword && l.user == "" && l.token == "" && l.fedauth == "" {
		l.user, l.password = world.SQLUser, world.SQLPassword
	}
	if l.fedauth != "" {
		db, err := sql.Open(azuread.DriverName, dsn(l))
		must(err)
		return db
	}
	if l.user != "" {
		db, err := sql.Open("sqlserver", dsn(l))
		must(err)
		return db
	}
	token := or(l.token, world.Tokens["admin"])
	c, err := mssql.NewAccessTokenConnector(dsn(l), func() (string, error) { return token, nil })
	must(err)
	return sql.OpenDB(c)
}

// one gives one connection of a pool of its own.
func one(l login) *sql.Conn {
	db := open(l)
	conn, err := db.Conn(background)
	must(err)
	return conn
}

func get(c *sql.Conn, text string, args ...any) any {
	var v any
	must(c.QueryRowContext(background, text, args...).Scan(&v))
	return v
}

func do(c *sql.Conn, text string, args ...any) int64 {
	r, err := c.ExecContext(background, text, args...)
	must(err)
	n, err := r.RowsAffected()
	must(err)
	return n
}

func refused(err error, number int32, text string) {
	check(err != nil, "not refused, though it has to be with %d", number)
	var e mssql.Error
	if errors.As(err, &e) {
		for _, one := range append([]mssql.Error{e}, e.All...) {
			if one.Number == number && strings.Contains(one.Message, text) {
				return
			}
		}
	}
	check(strings.Contains(err.Error(), text), "refused with %q, not with %d %q", err, number, text)
}

func ping(l login) error {
	db := open(l)
	defer db.Close()
	return db.PingContext(background)
}

func signedIn(l login, name string) {
	c := one(l)
	equal(get(c, "SELECT USER_NAME()"), name, "USER_NAME()")
	must(c.Close())
}

// parameter is the value as a Go program would pass it.
func parameter(v *value) any {
	null := v.Text == nil
	text := ""
	if !null {
		text = *v.Text
	}
	switch v.Kind {
	case "bit":
		return sql.NullBool{Bool: text == "1", Valid: !null}
	case "int":
		n, _ := strconv.ParseInt(text, 10, 64)
		return sql.NullInt64{Int64: n, Valid: !null}
	case "float", "real":
		f, _ := strconv.ParseFloat(text, 64)
		return sql.NullFloat64{Float64: f, Valid: !null}
	case "binary":
		if null {
			return []byte(nil)
		}
		data, err := hex.DecodeString(text)
		must(err)
		return data
	case "date", "datetimeoffset", "datetime2", "smalldatetime":
		if null {
			return sql.NullTime{}
		}
		return parseTime(text)
	case "datetime":
		if null {
			return sql.NullTime{}
		}
		return mssql.DateTime1(parseTime(text))
	case "guid":
		if null {
			return sql.NullString{} // its own null type sends 16 bytes behind a length of 0
		}
		var id mssql.UniqueIdentifier
		must(id.Scan(text))
		return id
	default:
		return sql.NullString{String: text, Valid: !null}
	}
}

func roundTrip(values []value, op string) func() {
	return func() {
		c := one(login{})
		defer c.Close()
		var failures []string
		for i := range values {
			v := &values[i]
			if v.Op != op {
				continue
			}
			func() {
				defer func() {
					if r := recover(); r != nil {
						failures = append(failures, fmt.Sprintf("%s %v", v.Type, r))
					}
				}()
				oneValue(c, v)
			}()
		}
		check(len(failures) == 0, "%s", strings.Join(failures, "; "))
	}
}

func received(v *value, got any) any {
	if raw, ok := got.([]byte); ok && v.Kind == "guid" {
		var id mssql.UniqueIdentifier
		must(id.Scan(raw))
		return strings.ToLower(id.String())
	}
	return got
}

func oneValue(c *sql.Conn, v *value) {
	d := v.differs(received(v, get(c, "SELECT "+v.expression()+" AS v")))
	check(d == "", "%s", d)
	table := unique("t")
	do(c, "CREATE TABLE "+table+" (id int NOT NULL, v "+v.Type+")")
	defer do(c, "DROP TABLE "+table)
	do(c, "INSERT INTO "+table+" (id, v) VALUES (@p1, @p2)", 7, parameter(v))
	d = v.differs(received(v, get(c, "SELECT v FROM "+table+" WHERE id = @p1 AND "+v.where(), 7)))
	check(d == "", "after the insert %s", d)
}

func columns() {
	c := one(login{})
	defer c.Close()
	rows, err := c.QueryContext(background,
		"SELECT ID, FirstName, CAST(1 AS decimal(9,2)) AS amount FROM Persons WHERE 1 = 0")
	must(err)
	types, err := rows.ColumnTypes()
	must(err)
	var got []string
	for _, t := range types {
		text := t.Name() + " " + t.DatabaseTypeName()
		if length, ok := t.Length(); ok {
			text += fmt.Sprint(" ", length)
		}
		if p, s, ok := t.DecimalSize(); ok {
			text += fmt.Sprint(" ", p, " ", s)
		}
		got = append(got, text)
	}
	equal(got, []string{"ID INT", "FirstName VARCHAR 255", "amount DECIMAL 9 2"}, "columns")
	check(!rows.Next(), "a row came")
	must(rows.Close())
}

func prepare() {
	c := one(login{})
	defer c.Close()
	table := unique("t")
	do(c, "CREATE TABLE "+table+" (a int, b nvarchar(20))")
	s, err := c.PrepareContext(background, "INSERT INTO "+table+" VALUES (@p1, @p2)")
	must(err)
	for i := 0; i < 3; i++ {
		_, err = s.ExecContext(background, i, fmt.Sprint("n", i))
		must(err)
	}
	must(s.Close())
	equal(get(c, "SELECT STRING_AGG(CONCAT(a, b), ',') WITHIN GROUP (ORDER BY a) FROM "+table),
		"0n0,1n1,2n2", "rows")
	do(c, "DROP TABLE "+table)
}

func resultSets() {
	c := one(login{})
	defer c.Close()
	rows, err := c.QueryContext(background, "SELECT 1 AS a; SELECT N'x' AS b, 2 AS c WHERE 1 = 0; "+
		"SELECT N'two' AS d UNION ALL SELECT N'three'")
	must(err)
	var got []string
	for more := true; more; more = rows.NextResultSet() {
		names, err := rows.Columns()
		must(err)
		got = append(got, strings.Join(names, "+"))
		for rows.Next() {
			var v any
			must(rows.Scan(&v))
			got = append(got, fmt.Sprint(v))
		}
	}
	must(rows.Err())
	equal(strings.Join(got, " "), "a 1 b+c d two three", "result sets")
	must(rows.Close())
}

func rowCounts() {
	c := one(login{})
	defer c.Close()
	table := unique("t")
	do(c, "CREATE TABLE "+table+" (a int)")
	equal(do(c, "INSERT INTO "+table+" VALUES (1), (2), (3)"), 3, "inserted")
	equal(do(c, "UPDATE "+table+" SET a = a + 1 WHERE a > @p1", 1), 2, "updated")
	equal(do(c, "DELETE FROM "+table+" WHERE a = @p1", 99), 0, "deleted")
	// The driver adds the counts of a batch up.
	equal(do(c, "UPDATE "+table+" SET a = 5; DELETE FROM "+table+" WHERE a = 5"), 6, "of the batch")
	do(c, "DROP TABLE "+table)
}

func procedure() {
	c := one(login{})
	defer c.Close()
	name := unique("p")
	do(c, "CREATE PROCEDURE "+name+" @a int, @b int OUTPUT AS BEGIN SET @b = @a * 2; "+
		"SELECT @a AS a; RETURN 3 END")
	var b int64
	var status mssql.ReturnStatus
	rows, err := c.QueryContext(background, name, sql.Named("a", 21),
		sql.Named("b", sql.Out{Dest: &b}), &status)
	must(err)
	var a int
	for more := true; more; more = rows.NextResultSet() {
		for rows.Next() {
			must(rows.Scan(&a))
		}
	}
	must(rows.Err())
	equal([]int64{int64(a), b, int64(status)}, []int64{21, 42, 3}, "row, output and status")
	do(c, "DROP PROCEDURE "+name)
}

func errorDetail() {
	c := one(login{})
	defer c.Close()
	_, err := c.ExecContext(background, "SELECT 1 AS a\n\nSELECT * FROM nosuchtable")
	refused(err, 208, "Invalid object name 'nosuchtable'.")
	_, err = c.ExecContext(background, "\nRAISERROR(N'made %d', 16, 7, 42)")
	var e mssql.Error
	check(errors.As(err, &e), "no server error: %v", err)
	equal(fmt.Sprint(e.Number, e.State, e.Class, e.LineNo, e.Message), fmt.Sprint(50000, 7, 16, 2, "made 42"),
		"error")
	equal(get(c, "SELECT 5"), 5, "then")
}

func message() {
	c := one(login{})
	defer c.Close()
	m := &sqlexp.ReturnMessage{}
	rows, err := c.QueryContext(background, "PRINT N'hello \u00e9'", m)
	must(err)
	var said []string
	for active := true; active; {
		switch raw := m.Message(background).(type) {
		case sqlexp.MsgNotice:
			said = append(said, raw.Message.String())
		case sqlexp.MsgNextResultSet:
			active = rows.NextResultSet()
		case sqlexp.MsgError:
			must(raw.Error)
		}
	}
	equal(said, []string{"hello \u00e9"}, "messages")
	must(rows.Close())
}

func cancel() {
	db := open(login{})
	defer db.Close()
	db.SetMaxOpenConns(1)
	limited, stop := context.WithTimeout(background, 700*time.Millisecond)
	defer stop()
	began := time.Now()
	_, err := db.ExecContext(limited, "WAITFOR DELAY '00:00:20'; SELECT 1")
	check(errors.Is(err, context.DeadlineExceeded) || err != nil && strings.Contains(err.Error(), "cancel"),
		"the statement ended with %v", err)
	check(time.Since(began) < 10*time.Second, "the cancel took longer than 10 seconds")
	var v int
	must(db.QueryRow("SELECT 6").Scan(&v))
	equal(v, 6, "then")
}

func bulk() {
	c := one(login{})
	defer c.Close()
	table := unique("t")
	do(c, "CREATE TABLE "+table+" (id int NOT NULL, name nvarchar(50), price decimal(9,2), made datetime2(3))")
	s, err := c.PrepareContext(background,
		mssql.CopyIn(table, mssql.BulkOptions{}, "id", "name", "price", "made"))
	must(err)
	made := parseTime("2024-02-29 01:02:03.1230000")
	for i := 0; i < 1000; i++ {
		var name any
		if i%10 != 0 {
			name = fmt.Sprintf("n\u00e9 %04d", i)
		}
		_, err = s.Exec(i, name, float64(i)/4, made)
		must(err)
	}
	r, err := s.Exec()
	must(err)
	n, err := r.RowsAffected()
	must(err)
	equal(n, 1000, "loaded")
	must(s.Close())
	equal(get(c, "SELECT CONCAT(COUNT(*), ' ', SUM(id), ' ', SUM(price), ' ', MIN(name)) FROM "+table),
		"1000 499500 124875.00 n\u00e9 0001", "rows")
	do(c, "DROP TABLE "+table)
}

// pair makes a table of one row, two sessions, and a transaction in the first.
func pair(level sql.IsolationLevel) (*sql.Tx, *sql.Conn, string, func()) {
	first, second, table := one(login{}), one(login{}), unique("t")
	do(second, "CREATE TABLE "+table+" (a int)")
	do(second, "INSERT INTO "+table+" VALUES (1)")
	tx, err := first.BeginTx(background, &sql.TxOptions{Isolation: level})
	must(err)
	return tx, second, table, func() {
		_ = tx.Rollback()
		must(first.Close())
		do(second, "DROP TABLE "+table)
		must(second.Close())
	}
}

func exec(tx *sql.Tx, text string, args ...any) {
	_, err := tx.Exec(text, args...)
	must(err)
}

func count(c *sql.Conn, table string) any { return get(c, "SELECT COUNT(*) FROM "+table) }

func commit() {
	tx, second, table, drop := pair(sql.LevelDefault)
	defer drop()
	exec(tx, "INSERT INTO "+table+" VALUES (@p1)", 2)
	equal(count(second, table), 1, "before the commit the other session sees")
	must(tx.Commit())
	equal(count(second, table), 2, "after the commit the other session sees")
}

func rollback() {
	tx, second, table, drop := pair(sql.LevelDefault)
	defer drop()
	exec(tx, "INSERT INTO "+table+" VALUES (@p1)", 2)
	must(tx.Rollback())
	equal(count(second, table), 1, "after the rollback there are")
}

func isolation() {
	tx, _, _, drop := pair(sql.LevelSerializable)
	defer drop()
	var level int
	must(tx.QueryRow("SELECT transaction_isolation_level FROM sys.dm_exec_sessions " +
		"WHERE session_id = @@SPID").Scan(&level))
	equal(level, 4, "isolation level")
}

func xactAbort() {
	tx, second, table, drop := pair(sql.LevelDefault)
	defer drop()
	exec(tx, "SET XACT_ABORT ON")
	exec(tx, "INSERT INTO "+table+" VALUES (2)")
	_, err := tx.Exec("INSERT INTO " + table + " VALUES (1 / 0)")
	refused(err, 8134, "Divide by zero error encountered.")
	equal(count(second, table), 1, "after the error there are")
}

func savepoint() {
	tx, second, table, drop := pair(sql.LevelDefault)
	defer drop()
	exec(tx, "INSERT INTO "+table+" VALUES (2)")
	exec(tx, "SAVE TRANSACTION mark1")
	exec(tx, "INSERT INTO "+table+" VALUES (3)")
	exec(tx, "ROLLBACK TRANSACTION mark1")
	must(tx.Commit())
	equal(get(second, "SELECT CONCAT(COUNT(*), ' ', SUM(a)) FROM "+table), "2 3", "rows")
}

func poolReset() {
	db := open(login{})
	defer db.Close()
	db.SetMaxOpenConns(1)
	var spid, again int
	must(db.QueryRow("SELECT @@SPID").Scan(&spid))
	_, err := db.Exec("CREATE TABLE #left (a int); SET LOCK_TIMEOUT 1234")
	must(err)
	var timeout int
	var object sql.NullInt64
	must(db.QueryRow("SELECT @@SPID, @@LOCK_TIMEOUT, OBJECT_ID(N'tempdb..#left')").Scan(
		&again, &timeout, &object))
	equal([]int{again, timeout}, []int{spid, -1}, "session and @@LOCK_TIMEOUT")
	check(!object.Valid, "#left is still there")
}

func untrusted() {
	err := ping(login{ca: world.OtherCAFile})
	check(err != nil, "a certificate of an unknown CA was taken")
	check(strings.Contains(err.Error(), "certificate"), "refused for another reason: %v", err)
}

func pinged(l login) func() { return func() { must(ping(l)) } }

// tokenProvider is told STS and SPN by the server.
func callback() {
	config, err := msdsn.Parse(dsn(login{}))
	must(err)
	var spn, sts string
	c, err := mssql.NewActiveDirectoryTokenConnector(config, mssql.FedAuthADALWorkflowPassword,
		func(_ context.Context, server, where string) (string, error) {
			spn, sts = server, where
			return world.Tokens["developer"], nil
		})
	must(err)
	db := sql.OpenDB(c)
	defer db.Close()
	var name string
	must(db.QueryRow("SELECT USER_NAME()").Scan(&name))
	equal(name, world.Developer, "USER_NAME()")
	equal(spn, "https://database.windows.net/", "SPN")
	check(strings.HasPrefix(sts, world.Authority), "STS %s", sts)
}

// A public client, which the driver wants to be told for ActiveDirectoryPassword.
const azureCLI = "04b07795-8ddb-461a-bbee-02f9e1bf7b46"

const principal = "Login failed for user '<token-identified principal>'."

func refusedWith(l func() login, text string) func() {
	return func() { refused(ping(l()), 18456, text) }
}

func main() {
	values := readWorld()
	operations := map[string]func(){
		"login-74":        pinged(login{}),
		"login-80":        pinged(login{encrypt: "strict"}),
		"login-untrusted": untrusted,
		"token":           func() { signedIn(login{token: world.Tokens["developer"]}, world.Developer) },
		"entra-secret": func() {
			signedIn(login{fedauth: azuread.ActiveDirectoryServicePrincipal,
				user: world.AppClientID + "@" + world.TenantID, password: world.AppSecret}, world.App)
		},
		"entra-password": func() {
			signedIn(login{fedauth: azuread.ActiveDirectoryPassword, client: azureCLI,
				user: world.Developer, password: world.DeveloperPassword}, world.Developer)
		},
		"entra-identity": func() {
			signedIn(login{fedauth: azuread.ActiveDirectoryMSI, user: world.IdentityClientID}, world.Identity)
			converted()
		},
		"entra-default":  func() { signedIn(login{fedauth: azuread.ActiveDirectoryDefault}, world.Identity) },
		"entra-callback": callback,
		"sql-login": func() {
			c := one(login{user: world.SQLUser, password: world.SQLPassword})
			equal(get(c, "SELECT SUSER_SNAME()"), world.SQLUser, "SUSER_SNAME()")
			must(c.Close())
		},
		"refuse-no-token": refusedWith(func() login { return login{user: "nobody", password: "Nothing-1!"} },
			"Login failed for user 'nobody'."),
		"refuse-password": refusedWith(func() login { return login{user: world.SQLUser, password: "Wrong-1!"} },
			"Login failed for user '"+world.SQLUser+"'."),
		"refuse-expired": refusedWith(func() login { return login{token: world.Tokens["expired"]} },
			principal+" Token is expired."),
		"refuse-audience": refusedWith(func() login { return login{token: world.Tokens["audience"]} }, principal),
		"refuse-unknown":  refusedWith(func() login { return login{token: world.Tokens["stranger"]} }, principal),
		"refuse-database": func() {
			refused(ping(login{database: "nosuch"}), 4060,
				"Cannot open database \"nosuch\" requested by the login. The login failed.")
		},
		"type-columns": columns, "prepare": prepare, "result-sets": resultSets, "row-counts": rowCounts,
		"procedure": procedure, "error-detail": errorDetail, "message": message, "cancel": cancel,
		"bulk": bulk, "commit": commit, "rollback": rollback, "isolation": isolation,
		"xact-abort": xactAbort, "savepoint": savepoint, "pool-reset": poolReset,
	}
	for _, kind := range []string{"integer", "decimal", "float", "text", "binary", "time", "guid", "large"} {
		operations["type-"+kind] = roundTrip(values, "type-"+kind)
	}
	for _, op := range os.Args[1:] {
		act := operations[op]
		if act == nil {
			act = func() { panic(failed("this program has no such operation")) }
		}
		run(op, act)
	}
}
