//! `tierline alias ...`, end to end: what leaves, what the client sees, what is written down.

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::ask::post;
use crate::home::Home;
use crate::scripted::{Scripted, Step};

const ANSWER: &str = r#"{"candidates":[{"finishReason":"STOP"}],"modelVersion":"gemini-3.8-flash","usageMetadata":{"promptTokenCount":3,"candidatesTokenCount":1}}"#;

#[test]
fn an_alias_is_set_listed_and_removed() {
    let home = Home::with(&[("KEY", "sk-test-1")]);
    home.add_account("deepseek", "deep", "http://127.0.0.1:9", "KEY");
    let set = "alias set --account deep --from deepseek-chat --to deepseek-flash --until 2030-12-31 --json";
    let row = json!([{"account": "deep", "from": "deepseek-chat", "to": "deepseek-flash", "set": {}, "until": "2031-01-01T00:00:00Z", "holds": true}]);
    assert_eq!(home.run(set).json(), row);
    assert_eq!(home.run("alias list --json").json(), row);
    let ended = home.run("alias set --account deep --from a --to b --until 2020-01-01 --json").json();
    assert_eq!(ended.as_array().unwrap().iter().find(|row| row["from"] == "a").unwrap()["holds"], json!(false));
    assert!(home.run("alias list").done().contains("ended 2020-01-02"));
    home.run("alias remove --account deep --from a").done();
    assert_eq!(home.run("alias remove --account deep --from deepseek-chat --json").json(), json!([]));
    home.run("alias set --account nobody --from a --to b").failed(&["nobody"]);
}

#[test]
fn an_alias_rewrites_paths_of_gemini_and_bodies_of_all() {
    let runtime = Runtime::new().unwrap();
    let upstream = runtime.block_on(Scripted::start(|_, _| {
        let length = ANSWER.len();
        vec![Step::Send(
            format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {length}\r\n\r\n{ANSWER}").into_bytes(),
        )]
    }));
    let home = Home::with(&[("KEY", "sk-test-1")]);
    home.add_account("gemini", "main", &format!("http://{}", upstream.addr), "KEY");
    let serve = home.serve();
    let mut set = home.command(["alias", "set", "--account", "main", "--from", "gemini-2.5-pro", "--to", "gemini-3.8-flash"]);
    set.args(["--set-json", r#"{"serviceTier":"flex"}"#]);
    assert!(set.output().unwrap().status.success());

    let asked = json!({"contents": []}).to_string();
    for (path, body, line, left) in [
        (
            "v1beta/models/gemini-2.5-pro:generateContent?x=1",
            asked.as_str(),
            "POST /v1beta/models/gemini-3.8-flash:generateContent?x=1 HTTP/1.1",
            json!({"contents": [], "serviceTier": "flex"}),
        ),
        (
            "v1beta/openai/chat/completions",
            r#"{"model":"gemini-2.5-pro","messages":[]}"#,
            "POST /v1beta/openai/chat/completions HTTP/1.1",
            json!({"model": "gemini-3.8-flash", "messages": [], "serviceTier": "flex"}),
        ),
        (
            "v1beta/models/gemini-3.6-flash:generateContent",
            &asked,
            "POST /v1beta/models/gemini-3.6-flash:generateContent HTTP/1.1",
            json!({"contents": []}),
        ),
    ] {
        let reply = runtime.block_on(post(&format!("{}/gemini/{path}", serve.url()), "sk-test-1", body.to_owned()));
        assert_eq!(reply.status, 200, "{}", reply.text);
        let seen = upstream.seen().pop().unwrap();
        assert_eq!((seen.line(), serde_json::from_slice::<Value>(&seen.body).unwrap()), (line, left), "{path}");
        let rewritten = !path.contains("3.6");
        assert_eq!(reply.header("x-tierline-alias"), rewritten.then_some("gemini-2.5-pro->gemini-3.8-flash"), "{path}");
    }
    serve.stop().done();
    let named: Vec<Value> = home.exported("requests").iter().map(|row| json!([row["model_asked"], row["model_served"]])).collect();
    assert_eq!(named[0], json!(["gemini-2.5-pro", "gemini-3.8-flash"]), "{named:?}");
}
