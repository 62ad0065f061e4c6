// SPDX-License-Identifier: MIT
//! The operations of the matrix on tiberius.

mod matrix;

use matrix::{bytes, cases, check, equal, hex, report, say, shorten, unique, Case, Outcome, World};
use serde_json::json;
use std::time::{Duration, Instant};
use tiberius::numeric::Numeric;
use tiberius::time::chrono::{DateTime, FixedOffset, NaiveDate, NaiveDateTime, NaiveTime};
use tiberius::{AuthMethod, Client, Column, Command, Config, EncryptionLevel, IsolationLevel, Query, Row, TokenRow};
use tokio::net::TcpStream;
use tokio_util::compat::{Compat, TokioAsyncWriteCompatExt};

type Session = Client<Compat<TcpStream>>;

const PRINCIPAL: &str = "Login failed for user '<token-identified principal>'.";

/// What a connection differs in from the usual one.
struct Login<'a> {
    auth: AuthMethod,
    database: &'a str,
    encryption: EncryptionLevel,
    ca: &'a str,
}

fn text<E: std::fmt::Display>(error: E) -> String {
    error.to_string()
}

impl World {
    fn login(&self, auth: AuthMethod) -> Login<'_> {
        let encryption =
            if self.flag("clear") { EncryptionLevel::NotSupported } else { EncryptionLevel::Required };
        Login { auth, database: self.text("database"), encryption, ca: self.text("ca_file") }
    }

    fn admin(&self) -> Login<'_> {
        if self.flag("by_password") {
            return self.login(AuthMethod::sql_server(self.text("sql_user"), self.text("sql_password")));
        }
        self.login(AuthMethod::aad_token(self.token("admin")))
    }

    async fn connect(&self, login: Login<'_>) -> tiberius::Result<Session> {
        let mut config = Config::new();
        config.host(self.text("host"));
        config.port(self.port());
        config.database(login.database);
        config.encryption(login.encryption);
        config.trust_cert_ca(login.ca);
        config.authentication(login.auth);
        let tcp = TcpStream::connect(config.get_addr()).await?;
        tcp.set_nodelay(true)?;
        Client::connect(config, tcp.compat_write()).await
    }

    async fn open(&self) -> Result<Session, String> {
        self.connect(self.admin()).await.map_err(text)
    }

    async fn refused(&self, login: Login<'_>, number: u32, words: &str) -> Outcome {
        match self.connect(login).await {
            Ok(_) => Err(format!("not refused, though it has to be with {number}")),
            Err(error) => refused(&error, number, words),
        }
    }

    async fn signed_in(&self, auth: AuthMethod, name: &str) -> Outcome {
        let mut session = self.connect(self.login(auth)).await.map_err(text)?;
        equal(get_text(&mut session, "SELECT USER_NAME()").await?, Some(name.to_string()))
    }
}

fn refused(error: &tiberius::error::Error, number: u32, words: &str) -> Outcome {
    let said = error.to_string();
    check(said.contains(&number.to_string()) && said.contains(words), || {
        format!("refused with {said:?}, not with {number} {words:?}")
    })
}

async fn rows(session: &mut Session, sql: &str) -> Result<Vec<Row>, String> {
    let stream = session.simple_query(sql).await.map_err(text)?;
    stream.into_first_result().await.map_err(text)
}

async fn run(session: &mut Session, sql: &str) -> Outcome {
    let stream = session.simple_query(sql).await.map_err(text)?;
    stream.into_results().await.map(|_| ()).map_err(text)
}

async fn get_text(session: &mut Session, sql: &str) -> Result<Option<String>, String> {
    let rows = rows(session, sql).await?;
    let row = rows.first().ok_or("no row")?;
    Ok(row.try_get::<&str, _>(0).map_err(text)?.map(str::to_string))
}

async fn get_int(session: &mut Session, sql: &str) -> Result<Option<i32>, String> {
    let rows = rows(session, sql).await?;
    rows.first().ok_or("no row")?.try_get::<i32, _>(0).map_err(text)
}

fn numeric(text: &str) -> Numeric {
    let scale = text.split_once('.').map_or(0, |(_, fraction)| fraction.len());
    Numeric::new_with_scale(text.replace('.', "").parse().expect("a number"), scale as u8)
}

fn stamp(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M:%S%.f").expect("a date and time")
}

fn bind<'a>(query: &mut Query<'a>, case: &'a Case) {
    let value = case.text.as_deref();
    match case.kind.as_str() {
        "bit" => query.bind(value.map(|t| t == "1")),
        "int" => query.bind(value.map(|t| t.parse::<i64>().expect("a number"))),
        "decimal" | "money" => query.bind(value.map(numeric)),
        "float" => query.bind(value.map(|t| t.parse::<f64>().expect("a number"))),
        "real" => query.bind(value.map(|t| t.parse::<f32>().expect("a number"))),
        "binary" => query.bind(value.map(bytes)),
        "date" => query.bind(value.map(|t| t.parse::<NaiveDate>().expect("a date"))),
        "time" => query.bind(value.map(|t| t.parse::<NaiveTime>().expect("a time"))),
        "datetime" | "smalldatetime" | "datetime2" => query.bind(value.map(stamp)),
        "datetimeoffset" => query.bind(value.map(|t| {
            DateTime::parse_from_str(t, "%Y-%m-%d %H:%M:%S%.f %:z").expect("a date, time and offset")
        })),
        "guid" => query.bind(value.map(|t| t.parse::<tiberius::Uuid>().expect("a GUID"))),
        _ => query.bind(value),
    }
}

/// The value as the text of the list; None: NULL.
fn received(row: &Row, case: &Case) -> Result<Option<String>, String> {
    fn shown<T: ToString>(got: tiberius::Result<Option<T>>) -> Result<Option<String>, String> {
        got.map(|value| value.map(|v| v.to_string())).map_err(text)
    }
    const DIGITS: &str = "%Y-%m-%d %H:%M:%S%.9f";
    let seven = |long: String| format!("{}{}", &long[..27], &long[29..]);
    match case.kind.as_str() {
        "bit" => shown(row.try_get::<bool, _>(0).map(|v| v.map(i32::from))),
        "int" => match case.declared.as_str() {
            "tinyint" => shown(row.try_get::<u8, _>(0)),
            "smallint" => shown(row.try_get::<i16, _>(0)),
            "int" => shown(row.try_get::<i32, _>(0)),
            _ => shown(row.try_get::<i64, _>(0)),
        },
        // Its text of a whole number has a fraction.
        "decimal" => Ok(shown(row.try_get::<Numeric, _>(0))?
            .map(|v| if case.declared.ends_with(",0)") { v.trim_end_matches(".0").to_string() } else { v })),
        // tiberius has money as f64.
        "money" => same_float(row.try_get::<f64, _>(0), case),
        "float" => same_float(row.try_get::<f64, _>(0), case),
        "real" => match (row.try_get::<f32, _>(0).map_err(text)?, &case.text) {
            (Some(v), Some(t)) if v == t.parse::<f32>().expect("a number") => Ok(case.text.clone()),
            (v, _) => Ok(v.map(|v| v.to_string())),
        },
        "binary" => row.try_get::<&[u8], _>(0).map(|v| v.map(hex)).map_err(text),
        "date" => shown(row.try_get::<NaiveDate, _>(0)),
        "time" => Ok(row.try_get::<NaiveTime, _>(0).map_err(text)?.map(|v| v.format("%H:%M:%S%.9f").to_string()[..16].to_string())),
        "datetime" | "smalldatetime" | "datetime2" => {
            Ok(row.try_get::<NaiveDateTime, _>(0).map_err(text)?.map(|v| seven(v.format(DIGITS).to_string())))
        }
        "datetimeoffset" => Ok(row
            .try_get::<DateTime<FixedOffset>, _>(0)
            .map_err(text)?
            .map(|v| format!("{} {}", seven(v.format(DIGITS).to_string()), v.format("%:z")))),
        "guid" => shown(row.try_get::<tiberius::Uuid, _>(0)),
        _ => shown(row.try_get::<&str, _>(0)),
    }
}

fn same_float(got: tiberius::Result<Option<f64>>, case: &Case) -> Result<Option<String>, String> {
    match (got.map_err(text)?, &case.text) {
        (Some(v), Some(t)) if v == t.parse::<f64>().expect("a number") => Ok(case.text.clone()),
        (v, _) => Ok(v.map(|v| v.to_string())),
    }
}

async fn one_value(session: &mut Session, case: &Case) -> Outcome {
    let first = rows(session, &format!("SELECT {} AS v", case.expression)).await?;
    equal(received(&first[0], case)?, case.text.clone())?;
    let table = unique("t");
    run(session, &format!("CREATE TABLE {table} (id int NOT NULL, v {})", case.declared)).await?;
    let mut insert = Query::new(format!("INSERT INTO {table} (id, v) VALUES (@P1, @P2)"));
    insert.bind(7i32);
    bind(&mut insert, case);
    insert.execute(session).await.map_err(text)?;
    let mut select = Query::new(format!("SELECT v FROM {table} WHERE id = @P1 AND {}", case.condition));
    select.bind(7i32);
    let found = select.query(session).await.map_err(text)?.into_first_result().await.map_err(text)?;
    let row = found.first().ok_or("no row equals the literal after the insert")?;
    equal(received(row, case)?, case.text.clone())?;
    run(session, &format!("DROP TABLE {table}")).await
}

async fn round_trip(world: &World, op: &str) -> Outcome {
    let mut failures = Vec::new();
    let mut session = world.open().await?;
    for case in cases(op) {
        if let Err(reason) = one_value(&mut session, &case).await {
            failures.push(format!("{} {}", case.declared, shorten(&reason)));
            session = world.open().await?;
        }
    }
    check(failures.is_empty(), || failures.join("; "))
}

async fn columns(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let mut stream = session
        .simple_query("SELECT ID, FirstName, CAST(1 AS decimal(9,2)) AS amount FROM Persons WHERE 1 = 0")
        .await
        .map_err(text)?;
    let columns: Vec<Column> = stream.columns().await.map_err(text)?.ok_or("no columns")?.to_vec();
    let got: Vec<String> = columns.iter().map(|c| format!("{} {:?}", c.name(), c.column_type())).collect();
    equal(got, vec!["ID Int4", "FirstName BigVarChar", "amount Numericn"]).or_else(|_| {
        let got: Vec<String> = columns.iter().map(|c| format!("{} {:?}", c.name(), c.column_type())).collect();
        equal(got, vec!["ID Int4", "FirstName BigVarChar", "amount Decimaln"])
    })
}

async fn result_sets(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let sets = session
        .simple_query(
            "SELECT 1 AS a; SELECT N'x' AS b, 2 AS c WHERE 1 = 0; SELECT N'two' AS d UNION ALL SELECT N'three'",
        )
        .await
        .map_err(text)?
        .into_results()
        .await
        .map_err(text)?;
    equal(sets.iter().map(Vec::len).collect::<Vec<_>>(), vec![1, 0, 2])?;
    equal(sets[2][1].get::<&str, _>(0), Some("three"))
}

async fn affected(session: &mut Session, sql: &str) -> Result<Vec<u64>, String> {
    Ok(session.execute(sql, &[]).await.map_err(text)?.rows_affected().to_vec())
}

async fn row_counts(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let table = unique("t");
    run(&mut session, &format!("CREATE TABLE {table} (a int)")).await?;
    equal(affected(&mut session, &format!("INSERT INTO {table} VALUES (1), (2), (3)")).await?, vec![3])?;
    equal(
        affected(&mut session, &format!("UPDATE {table} SET a = 5; DELETE FROM {table} WHERE a = 6")).await?,
        vec![3, 0],
    )?;
    run(&mut session, &format!("DROP TABLE {table}")).await
}

async fn procedure(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let name = unique("p");
    run(
        &mut session,
        &format!(
            "CREATE PROCEDURE {name} @a int, @b int OUTPUT AS BEGIN SET @b = @a * 2; SELECT @a AS a; RETURN 3 END"
        ),
    )
    .await?;
    let mut call = Command::new(name.clone());
    call.bind_param("@a", 21i32);
    call.bind_out_param("@b", 0i32);
    let result = call.exec(&mut session).await.map_err(text)?.into_command_result().await.map_err(text)?;
    equal(result.try_return_value::<i32>("@b").map_err(text)?, Some(42))?;
    equal(result.return_code(), 3u32)?;
    let rows = result.to_query_result(0).ok_or("no result set")?;
    equal(rows[0].get::<i32, _>(0), Some(21))?;
    run(&mut session, &format!("DROP PROCEDURE {name}")).await
}

async fn failure(session: &mut Session, sql: &str) -> Result<tiberius::error::Error, String> {
    match session.simple_query(sql).await {
        Err(error) => Ok(error),
        Ok(stream) => match stream.into_results().await {
            Err(error) => Ok(error),
            Ok(_) => Err("no error came".to_string()),
        },
    }
}

async fn error_detail(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let error = failure(&mut session, "SELECT 1 AS a\n\nSELECT * FROM nosuchtable").await?;
    refused(&error, 208, "Invalid object name 'nosuchtable'.")?;
    let error = failure(&mut session, "\nRAISERROR(N'made %d', 16, 7, 42)").await?;
    match &error {
        tiberius::error::Error::Server(e) => {
            equal((e.code(), e.state(), e.class(), e.line(), e.message()), (50000, 7, 16, 2, "made 42"))?
        }
        other => return Err(format!("no server error: {other}")),
    }
    equal(get_int(&mut session, "SELECT 5").await?, Some(5))
}

async fn cancel(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let began = Instant::now();
    let waited = tokio::time::timeout(
        Duration::from_millis(700),
        run(&mut session, "WAITFOR DELAY '00:00:20'; SELECT 1"),
    )
    .await;
    check(waited.is_err(), || "the statement ended by itself".to_string())?;
    session.cancel_query().await.map_err(text)?;
    check(began.elapsed() < Duration::from_secs(10), || "the cancel took longer than 10 seconds".to_string())?;
    equal(get_int(&mut session, "SELECT 6").await?, Some(6))
}

async fn bulk(world: &World) -> Outcome {
    let mut session = world.open().await?;
    let table = unique("t");
    run(
        &mut session,
        &format!("CREATE TABLE {table} (id int NOT NULL, name nvarchar(50), price decimal(9,2), made datetime2(3))"),
    )
    .await?;
    let mut load = session.bulk_insert(&table).await.map_err(text)?;
    for i in 0..1000i32 {
        let mut row = TokenRow::new();
        let name = if i % 10 == 0 { None } else { Some(format!("n\u{e9} {i:04}")) };
        row.push(tiberius::IntoSql::into_sql(i));
        row.push(tiberius::IntoSql::into_sql(name));
        row.push(tiberius::IntoSql::into_sql(Numeric::new_with_scale(i128::from(i) * 25, 2)));
        row.push(tiberius::IntoSql::into_sql(stamp("2024-02-29 01:02:03.123")));
        load.send(row).await.map_err(text)?;
    }
    load.finalize().await.map_err(text)?;
    let sums = format!("SELECT CONCAT(COUNT(*), ' ', SUM(id), ' ', SUM(price), ' ', MIN(name)) FROM {table}");
    equal(get_text(&mut session, &sums).await?, Some("1000 499500 124875.00 n\u{e9} 0001".to_string()))?;
    run(&mut session, &format!("DROP TABLE {table}")).await
}

/// A session in a transaction, another to look with, a table of one row.
async fn pair(world: &World, level: IsolationLevel) -> Result<(Session, Session, String), String> {
    let (mut first, mut second, table) = (world.open().await?, world.open().await?, unique("t"));
    run(&mut second, &format!("CREATE TABLE {table} (a int)")).await?;
    run(&mut second, &format!("INSERT INTO {table} VALUES (1)")).await?;
    first.begin_transaction_with_isolation(level).await.map_err(text)?;
    Ok((first, second, table))
}

async fn transaction(world: &World, op: &str) -> Outcome {
    let level = if op == "isolation" { IsolationLevel::Serializable } else { IsolationLevel::Unspecified };
    let (mut first, mut second, table) = pair(world, level).await?;
    let insert = |value: &str| format!("INSERT INTO {table} VALUES ({value})");
    let count = format!("SELECT COUNT(*) FROM {table}");
    match op {
        "commit" => {
            run(&mut first, &insert("2")).await?;
            equal(get_int(&mut second, &count).await?, Some(1))?;
            first.commit_transaction().await.map_err(text)?;
            equal(get_int(&mut second, &count).await?, Some(2))?;
        }
        "rollback" => {
            run(&mut first, &insert("2")).await?;
            equal(get_int(&mut first, &count).await?, Some(2))?;
            first.rollback_transaction().await.map_err(text)?;
            equal(get_int(&mut first, &count).await?, Some(1))?;
        }
        "isolation" => {
            let level = "SELECT CAST(transaction_isolation_level AS int) FROM sys.dm_exec_sessions WHERE session_id = @@SPID";
            equal(get_int(&mut first, level).await?, Some(4))?;
        }
        "xact-abort" => {
            run(&mut first, "SET XACT_ABORT ON").await?;
            run(&mut first, &insert("2")).await?;
            let error = failure(&mut first, &insert("1 / 0")).await?;
            refused(&error, 8134, "Divide by zero error encountered.")?;
            equal(get_int(&mut second, &count).await?, Some(1))?;
            equal(get_int(&mut first, "SELECT @@TRANCOUNT").await?, Some(0))?;
        }
        _ => {
            run(&mut first, &insert("2")).await?;
            first.save_transaction("mark1").await.map_err(text)?;
            run(&mut first, &insert("3")).await?;
            run(&mut first, "ROLLBACK TRANSACTION mark1").await?;
            first.commit_transaction().await.map_err(text)?;
            let sums = format!("SELECT COUNT(*) * 10 + SUM(a) FROM {table}");
            equal(get_int(&mut second, &sums).await?, Some(23))?;
        }
    }
    first.close().await.map_err(text)?;
    run(&mut second, &format!("DROP TABLE {table}")).await
}

async fn untrusted(world: &World) -> Outcome {
    let login = Login { ca: world.text("other_ca_file"), ..world.admin() };
    match world.connect(login).await {
        Ok(_) => Err("a certificate of an unknown CA was taken".to_string()),
        Err(error) => check(error.to_string().to_lowercase().contains("certificate"), || {
            format!("refused for another reason: {error}")
        }),
    }
}

async fn operation(world: &World, op: &str) -> Outcome {
    let token = |name: &str| world.login(AuthMethod::aad_token(world.token(name)));
    let sql = |user: &str, password: &str| world.login(AuthMethod::sql_server(user, password));
    let user = world.text("sql_user");
    match op {
        "login-74" => world.open().await.map(|_| ()),
        "login-80" => {
            let login = Login { encryption: EncryptionLevel::Strict, ..world.admin() };
            let mut session = world.connect(login).await.map_err(text)?;
            equal(get_int(&mut session, "SELECT 40 + 2").await?, Some(42))
        }
        "login-untrusted" => untrusted(world).await,
        "token" => {
            world.signed_in(AuthMethod::aad_token(world.token("developer")), world.text("developer")).await
        }
        "sql-login" => {
            let mut session = world.connect(sql(user, world.text("sql_password"))).await.map_err(text)?;
            equal(get_text(&mut session, "SELECT SUSER_SNAME()").await?, Some(user.to_string()))
        }
        "refuse-no-token" => {
            world.refused(sql("nobody", "Nothing-1!"), 18456, "Login failed for user 'nobody'.").await
        }
        "refuse-password" => {
            world.refused(sql(user, "Wrong-1!"), 18456, &format!("Login failed for user '{user}'.")).await
        }
        "refuse-expired" => {
            world.refused(token("expired"), 18456, &format!("{PRINCIPAL} Token is expired.")).await
        }
        "refuse-audience" => world.refused(token("audience"), 18456, PRINCIPAL).await,
        "refuse-unknown" => world.refused(token("stranger"), 18456, PRINCIPAL).await,
        "refuse-database" => {
            let login = Login { database: "nosuch", ..world.admin() };
            world.refused(login, 4060, "Cannot open database \"nosuch\" requested by the login. The login failed.").await
        }
        "type-columns" => columns(world).await,
        "result-sets" => result_sets(world).await,
        "row-counts" => row_counts(world).await,
        "procedure" => procedure(world).await,
        "error-detail" => error_detail(world).await,
        "cancel" => cancel(world).await,
        "bulk" => bulk(world).await,
        "commit" | "rollback" | "isolation" | "xact-abort" | "savepoint" => transaction(world, op).await,
        _ if op.starts_with("type-") => round_trip(world, op).await,
        _ => Err("this program has no such operation".to_string()),
    }
}

fn main() {
    let world = World::read();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    for op in std::env::args().skip(1) {
        say(json!({"begin": op}));
        let began = Instant::now();
        let outcome = runtime.block_on(operation(&world, &op));
        report(&op, began.elapsed().as_secs_f64(), outcome);
    }
}
