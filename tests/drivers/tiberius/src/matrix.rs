// SPDX-License-Identifier: MIT
//! What the program shares: the world it runs in, the values of each type, and how it reports.

use serde_json::{json, Value as Json};
use std::io::Write;
use std::time::{SystemTime, UNIX_EPOCH};

pub type Outcome = Result<(), String>;

pub struct World(Json);

impl World {
    pub fn read() -> World {
        let path = std::env::var("MATRIX_WORLD").expect("MATRIX_WORLD");
        World(parse(&path))
    }

    pub fn text(&self, name: &str) -> &str {
        self.0[name].as_str().expect("a text of the world")
    }

    pub fn flag(&self, name: &str) -> bool {
        self.0[name].as_bool().unwrap_or(false)
    }

    pub fn port(&self) -> u16 {
        self.0["port"].as_u64().expect("port") as u16
    }

    pub fn token(&self, name: &str) -> &str {
        self.0["tokens"][name].as_str().expect("a token")
    }
}

fn parse(path: &str) -> Json {
    serde_json::from_str(&std::fs::read_to_string(path).expect(path)).expect(path)
}

/// One value of one type: its T-SQL literal and how it looks as text.
pub struct Case {
    pub kind: String,
    pub declared: String,
    pub expression: String,
    pub condition: String,
    pub text: Option<String>,
}

pub fn cases(op: &str) -> Vec<Case> {
    let all = parse("common/types.json");
    let list = all.as_array().expect("a list");
    list.iter().filter(|entry| entry["op"] == op).map(case).collect()
}

fn case(entry: &Json) -> Case {
    let declared = entry["type"].as_str().expect("type").to_string();
    let literal = entry["literal"].as_str();
    let expression = format!("CAST({} AS {declared})", literal.unwrap_or("NULL"));
    let text = match entry["repeat"].as_array() {
        Some(parts) => Some(parts[0].as_str().expect("text").repeat(parts[1].as_u64().expect("count") as usize)),
        None => entry["text"].as_str().map(str::to_string),
    };
    let condition = match literal {
        Some(_) => format!("v = {expression}"),
        None => "v IS NULL".to_string(),
    };
    Case { kind: entry["kind"].as_str().expect("kind").to_string(), declared, expression, condition, text }
}

pub fn check(condition: bool, text: impl FnOnce() -> String) -> Outcome {
    if condition {
        Ok(())
    } else {
        Err(text())
    }
}

pub fn equal<A: PartialEq<B> + std::fmt::Debug, B: std::fmt::Debug>(got: A, wanted: B) -> Outcome {
    let same = got == wanted;
    check(same, || format!("got {}, not {}", shorten(&format!("{got:?}")), shorten(&format!("{wanted:?}"))))
}

pub fn shorten(text: &str) -> String {
    if text.chars().count() <= 160 {
        return text.to_string();
    }
    format!("{}... ({} bytes)", text.chars().take(160).collect::<String>(), text.len())
}

pub fn unique(prefix: &str) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("a clock").as_nanos();
    format!("{prefix}{now:x}")
}

pub fn hex(data: &[u8]) -> String {
    data.iter().map(|byte| format!("{byte:02x}")).collect()
}

pub fn bytes(text: &str) -> Vec<u8> {
    (0..text.len() / 2).map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hex")).collect()
}

pub fn say(line: Json) {
    let mut out = std::io::stdout();
    writeln!(out, "{line}").and_then(|()| out.flush()).expect("standard output");
}

pub fn report(op: &str, seconds: f64, outcome: Outcome) {
    match outcome {
        Ok(()) => say(json!({"op": op, "ok": true, "seconds": seconds})),
        Err(reason) => {
            let reason: String = reason.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(600).collect();
            say(json!({"op": op, "ok": false, "seconds": seconds, "reason": reason}));
        }
    }
}
