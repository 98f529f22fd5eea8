//! Keys and tokens are in no file, no output, no log and no export; and this search would find them.

use std::fs;
use std::path::PathBuf;

use http::Request;
use http_body_util::BodyExt;
use hyper::client::conn::http2;
use hyper_util::rt::{TokioExecutor, TokioIo};
use serde_json::json;
use tierline::sim::{Fault, Faults, Limits, Sim, SimConfig, SimProvider};

use crate::ask::{message, post_with};
use crate::gateway::sim;
use crate::home::{Home, files_with};
use crate::scripted::{Scripted, Step};

/// No other text has these; `gateway::KEY` is the one that the simulated providers take.
const OTHER_KEY: &str = "sk-proj-test-b4c1e5d09f";
const NOWHERE: Vec<PathBuf> = Vec::new();

#[test]
fn the_search_finds_what_is_planted() {
    let temp = tempfile::tempdir().unwrap();
    fs::create_dir_all(temp.path().join("a/b")).unwrap();
    let file = temp.path().join("a/b/rows.db");
    fs::write(&file, [b"\0\x01\xff".as_slice(), OTHER_KEY.as_bytes(), b"\0"].concat()).unwrap();
    fs::write(temp.path().join("near.txt"), &OTHER_KEY[1..]).unwrap();
    assert_eq!(files_with(temp.path(), OTHER_KEY.as_bytes()), [file]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_leaves_no_key_and_no_token_anywhere() {
    let good = sim(SimProvider::Anthropic, Limits { rpm: Some(1_000), ..Limits::default() }).await;
    let failing = SimConfig {
        provider: SimProvider::OpenAi,
        faults: Faults { rates: vec![(Fault::Status500, 0.5), (Fault::ResetBeforeHead, 0.5)], ..Faults::default() },
        ..SimConfig::default()
    };
    let failing = Sim::start(failing, "127.0.0.1:0".parse().unwrap()).await.unwrap();
    // a provider that quotes the key back, as some do for one that is wrong
    let echo = Scripted::start(|_, seen| {
        let key = ["authorization", "x-goog-api-key"].iter().find_map(|name| seen.header(name)).unwrap();
        let body = json!({ "error": { "message": format!("no more requests for {key}") } }).to_string();
        let head = format!(
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3600\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
            body.len()
        );
        vec![Step::Send((head + &body).into_bytes())]
    })
    .await;

    let home = Home::with(&[("GOOD_KEY", crate::gateway::KEY), ("OTHER_KEY", OTHER_KEY), ("TIERLINE_LOG", "trace")]);
    let mut outputs = String::new();
    let mut keep = |ran: crate::home::Ran| {
        assert!(ran.status.success(), "{ran:?}");
        outputs += &(ran.out + &ran.err);
    };
    for (provider, label, url, variable) in [
        ("anthropic", "good", good.url(), "GOOD_KEY"),
        ("openai", "failing", failing.url(), "OTHER_KEY"),
        ("custom", "echo", format!("http://{}", echo.addr), "OTHER_KEY"),
        ("gemini", "quoting", format!("http://{}", echo.addr), "OTHER_KEY"),
    ] {
        keep(home.run(&format!("accounts add --vault env --provider {provider} --label {label} --base-url {url} --key-env {variable}")));
    }
    let token = home.run("token new --client notebook --json");
    let token: serde_json::Value = serde_json::from_str(&token.out).unwrap();
    let token = token["token"].as_str().unwrap();
    let serve = home.serve();
    for (path, key) in [
        ("anthropic/v1/messages", token),
        ("anthropic/v1/messages", crate::gateway::KEY),
        ("anthropic/v1/messages", "sk-wrong"),
        ("openai/v1/chat/completions", token),
        ("openai/v1/chat/completions", OTHER_KEY),
        ("custom/echo/v1/chat/completions", token),
        ("custom/echo/v1/chat/completions", OTHER_KEY),
        ("gemini/v1beta/models/gemini-3.8-flash:generateContent", token),
        ("gemini/v1beta/models/gemini-3.8-flash:generateContent", OTHER_KEY),
    ] {
        let wishes = [("x-tierline-deadline-ms", "200")];
        post_with(&format!("{}/{path}", serve.url()), key, &wishes, message()).await;
        // in the query as well, as Gemini's older clients send it
        post_with(&format!("{}/{path}?key={key}", serve.url()), key, &wishes, message()).await;
        let everywhere = [&wishes[..], &[("x-api-key", key), ("x-goog-api-key", key)]].concat();
        post_with(&format!("{}/{path}", serve.url()), key, &everywhere, message()).await;
        over_http2(serve.url(), path, key).await;
    }
    keep(home.run("status"));
    keep(home.run("probe good --vault env --json"));
    keep(home.run("probe echo --vault env --json"));
    keep(serve.stop());
    for what in ["requests", "snapshots", "refusals", "limits"] {
        keep(home.run(&format!("export --what {what} --format json --out -")));
        keep(home.run(&format!("export --what {what} --format csv --out {}", home.path(what).display())));
    }
    for line in ["accounts list", "token list --json", "status --json", "token revoke notebook"] {
        keep(home.run(line));
    }

    assert!(outputs.contains("TRACE"), "the log was on");
    assert!(home.exported("requests").len() >= 6);
    for secret in [crate::gateway::KEY, OTHER_KEY, token] {
        // the data folder, the exports, and what the gateway printed are all below it
        assert_eq!(files_with(&home.path(""), secret.as_bytes()), NOWHERE);
        assert!(!outputs.contains(secret), "in the output");
    }
}

/// The same in HTTP/2, whose library logs frames.
async fn over_http2(url: &str, path: &str, key: &str) {
    let stream = tokio::net::TcpStream::connect(url.strip_prefix("http://").unwrap()).await.unwrap();
    let (mut sender, connection) = http2::handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request =
        Request::post(format!("{url}/{path}?key={key}")).header("authorization", format!("Bearer {key}")).header("x-api-key", key);
    let request = request.header("x-tierline-deadline-ms", "200").body(message()).unwrap();
    sender.send_request(request).await.unwrap().into_body().collect().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_says_does_not_steer_the_terminal() {
    let body = json!({ "error": { "message": "gone \u{1b}[2J\u{1b}]0;title\u{7}\u{9b}31m and away" } }).to_string();
    let head = format!("HTTP/1.1 401 Unauthorized\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", body.len());
    let upstream = Scripted::always(head + &body).await;
    let home = Home::with(&[("OTHER_KEY", OTHER_KEY), ("TIERLINE_LOG", "trace")]);
    home.add_account("openai", "work", &format!("http://{}", upstream.addr), "OTHER_KEY");
    let explained = home.fed("explain --provider openai --status 401", &body);
    for ran in [home.run("probe work --vault env"), explained, home.run("probe no\u{1b}[2Jbody --vault env")] {
        let control = |text: &str| text.chars().find(|c| c.is_control() && *c != '\n');
        assert_eq!((control(&ran.out), control(&ran.err)), (None, None), "{ran:?}");
    }
}
