//! The gateway over real sockets: what passes, who gets in, and what happens when either side breaks off.

#![expect(clippy::unwrap_used, reason = "a test may panic, its helpers too")]

#[path = "support/rig.rs"]
mod rig;
#[path = "support/scripted.rs"]
mod scripted;
#[path = "support/wire.rs"]
mod wire;

use std::time::Duration;

use rig::{Admit, KEY, Plan, Rig, TOKEN, deadline_refusal, endpoint, token};
use scripted::{Gate, Scripted, Step};
use tierline::domain::{AccountId, Alias, Api, Certainty, Event, Lane, ModelId, Outcome, Provider};
use tierline::gateway::{Patience, Routes};
use tierline::upstream::Timing;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpListener;
use wire::Wire;

fn send(text: &str) -> Step {
    Step::Send(text.as_bytes().to_vec())
}

mod faithful {
    use super::*;

    #[tokio::test]
    async fn paths_and_queries_arrive_as_they_were_sent() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let base = format!("http://{}/base%20path", upstream.addr);
        let rig = Rig::with(vec![endpoint(1, Provider::Custom, "my box", &base, Some(KEY))], Plan::default()).await;
        for (target, expect) in [
            ("/custom/my%20box/v1/models", "/base%20path/v1/models"),
            ("/custom/my%20box", "/base%20path"),
            ("/custom/my%20box/", "/base%20path/"),
            ("/custom/my%20box/v9/new-thing?x=1", "/base%20path/v9/new-thing?x=1"),
            ("/custom/my%20box/a%2Fb//c/?q=%7e~+%20'&&=&x", "/base%20path/a%2Fb//c/?q=%7e~+%20'&&=&x"),
            ("/custom/my%20box/a;b=1/x:y@z!$?", "/base%20path/a;b=1/x:y@z!$?"),
            (
                "/custom/my%20box/models/m:streamGenerateContent?alt=sse&key=tl-local-token",
                "/base%20path/models/m:streamGenerateContent?alt=sse",
            ),
        ] {
            let reply = Wire::ask(rig.addr, rig.request(&format!("GET {target}"), "", "")).await;
            assert_eq!((reply.status, reply.text().as_str()), (200, "ok"), "{target}");
            assert_eq!(upstream.seen().last().unwrap().line(), format!("GET {expect} HTTP/1.1"));
        }
        for climbing in ["/custom/my%20box/../x", "/custom/my%20box/%2e%2E/x", "/custom/my%20box/v1/."] {
            assert_eq!(Wire::ask(rig.addr, rig.request(&format!("GET {climbing}"), "", "")).await.status, 400, "{climbing}");
        }
        assert_eq!(upstream.seen().len(), 7);
        rig.finished(7).await;
        rig.check_books();
    }

    #[tokio::test]
    async fn an_alias_changes_the_model_and_nothing_else() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await;
        let base = format!("http://{}", upstream.addr);
        let alias = |from: &str, until: Option<&str>| Alias {
            account: AccountId(1),
            from: ModelId::new(from),
            to: ModelId::new("deepseek-flash"),
            set: serde_json::from_str(r#"{"thinking":{"type":"disabled"}}"#).unwrap(),
            until: until.map(|time| time.parse().unwrap()),
        };
        let aliases = vec![alias("deepseek-chat", None), alias("deepseek-coder", Some("1969-12-31T00:00:00Z"))];
        let account = endpoint(1, Provider::DeepSeek, "main", &base, Some(KEY)).with_aliases(aliases);
        let rig = Rig::with(vec![account], Plan::default()).await;
        for (model, body, mark) in [
            (
                "deepseek-chat",
                r#"{"thinking":{"type":"disabled"}, "model" : "deepseek-flash", "n": 1.0}"#,
                Some("deepseek-chat->deepseek-flash"),
            ),
            ("deepseek-coder", r#"{ "model" : "deepseek-coder", "n": 1.0}"#, None),
            ("deepseek-flash", r#"{ "model" : "deepseek-flash", "n": 1.0}"#, None),
        ] {
            let sent = format!(r#"{{ "model" : "{model}", "n": 1.0}}"#);
            let reply = Wire::ask(rig.addr, rig.request("POST /deepseek/chat/completions", "", &sent)).await;
            assert_eq!(reply.header("x-tierline-alias"), mark, "{model}");
            assert_eq!(String::from_utf8_lossy(&upstream.seen().last().unwrap().body), body, "{model}");
        }
        let asked: Vec<String> = rig.finished(3).await.iter().map(|record| record.model_asked.clone().unwrap().to_string()).collect();
        assert_eq!(asked, ["deepseek-chat", "deepseek-coder", "deepseek-flash"]);
        rig.check_books();
    }

    #[tokio::test]
    async fn request_bodies_arrive_as_they_were_sent() {
        let upstream = Scripted::always("HTTP/1.1 204 No Content\r\n\r\n").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let big = "x".repeat(8 * 1024 * 1024);
        for body in ["{\"model\": \"m\",  \"x\":\t1}\r\n", "not json", &big] {
            let reply = Wire::ask(rig.addr, rig.request("POST /openai/v1/chat/completions", "", body)).await;
            assert_eq!(reply.status, 204);
            let seen = upstream.seen().pop().unwrap();
            assert!(seen.body == body.as_bytes(), "{} bytes", body.len());
            assert_eq!(seen.header("content-length"), Some(body.len().to_string().as_str()));
        }
        // in chunks, after a question whether it is welcome
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("PUT /openai/v1/files", "expect: 100-continue\r\ntransfer-encoding: chunked\r\n", "")).await;
        assert_eq!(wire.head().await.0, 100);
        wire.send("3\r\nabc\r\n4;ext=1\r\ndefg\r\n0\r\n\r\n").await;
        assert_eq!(wire.reply(false).await.status, 204);
        let seen = upstream.seen().pop().unwrap();
        assert_eq!((seen.line(), seen.body.as_slice()), ("PUT /v1/files HTTP/1.1", b"abcdefg".as_slice()));
        assert_eq!(seen.header("expect"), None);
        rig.finished(4).await;
        rig.check_books();
    }

    #[tokio::test]
    async fn answers_arrive_as_they_were_sent() {
        let gzip: &[u8] = &[0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3, 0xab, 0xae, 5, 0, 0x43, 0xbf, 0xa6, 0xa3, 2, 0, 0, 0];
        let plain = |head: &str, body: &[u8]| {
            let mut answer = format!("HTTP/1.1 200 OK\r\n{head}content-length: {}\r\n\r\n", body.len()).into_bytes();
            answer.extend(body);
            answer
        };
        let big = vec![7_u8; 8 * 1024 * 1024];
        let html = b"<html><h1>502 Bad Gateway</h1></html>".as_slice();
        let mut page =
            format!("HTTP/1.1 502 Bad Gateway\r\ncontent-type: text/html\r\ncontent-length: {}\r\n\r\n", html.len()).into_bytes();
        page.extend(html);
        for (case, method, answer, status, body) in [
            ("gzip", "POST", plain("content-type: application/json\r\ncontent-encoding: gzip\r\n", gzip), 200, gzip),
            ("cut gzip", "POST", plain("content-encoding: gzip\r\n", &gzip[..9]), 200, &gzip[..9]),
            ("large", "GET", plain("content-type: application/octet-stream\r\n", &big), 200, big.as_slice()),
            ("empty", "GET", plain("", b""), 200, b"".as_slice()),
            ("no content", "DELETE", b"HTTP/1.1 204 No Content\r\nx-a: b\r\n\r\n".to_vec(), 204, b""),
            ("head", "HEAD", b"HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n".to_vec(), 200, b""),
            ("until close", "GET", b"HTTP/1.1 200 OK\r\n\r\nall of it".to_vec(), 200, b"all of it"),
            ("page of a proxy", "POST", page.clone(), 502, html),
            ("redirect", "GET", b"HTTP/1.1 302 Found\r\nlocation: http://169.254.169.254/\r\ncontent-length: 0\r\n\r\n".to_vec(), 302, b""),
        ] {
            let script = answer.clone();
            let closes = case == "until close";
            let upstream = Scripted::start(move |_, _| {
                let mut steps = vec![Step::Send(script.clone())];
                steps.extend(closes.then_some(Step::Close));
                steps
            })
            .await;
            let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
            let reply = Wire::ask(rig.addr, rig.request(&format!("{method} /anthropic/v1/x"), "connection: close\r\n", "")).await;
            assert_eq!((reply.status, reply.whole), (status, true), "{case}");
            assert!(reply.body == body, "{case}: {} bytes", reply.body.len());
            let sent_head = String::from_utf8_lossy(&answer[..scripted::find(&answer, b"\r\n\r\n").unwrap()]).into_owned();
            for line in sent_head.lines().skip(1) {
                assert!(reply.head.contains(line), "{case}: {line} in {}", reply.head);
            }
            let record = rig.only().await;
            assert_eq!((record.status, record.response_bytes), (status, body.len() as u64), "{case}");
            assert_eq!(record.outcome, if status < 400 { Outcome::Ok } else { Outcome::Error }, "{case}");
        }
    }

    #[tokio::test]
    async fn events_are_not_held_back_or_framed_anew() {
        let parts: [&'static [u8]; 4] = [b"da", b"ta: {\"a\":1}\n", b"\ndata: [DO", b"NE]\n\n"];
        let gates = [Gate::shut(), Gate::shut(), Gate::shut(), Gate::shut()];
        let script = gates.clone();
        let upstream = Scripted::start(move |_, _| {
            let mut steps = vec![send("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")];
            for (gate, part) in script.iter().zip(parts) {
                steps.push(Step::Wait(gate.clone()));
                steps.push(Step::Send([format!("{:x}\r\n", part.len()).as_bytes(), part, b"\r\n"].concat()));
            }
            steps.push(send("0\r\n\r\n"));
            steps
        })
        .await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /openai/v1/chat/completions", "", "{\"stream\":true}")).await;
        assert_eq!(wire.head().await.0, 200);
        for (gate, part) in gates.iter().zip(parts) {
            gate.open();
            assert_eq!(wire.chunk().await.unwrap(), part);
        }
        assert_eq!(wire.chunk().await.unwrap(), b"");
        assert_eq!(rig.only().await.outcome, Outcome::Ok);
    }

    #[tokio::test]
    async fn headers_of_the_connection_and_our_own_end_here() {
        let upstream = Scripted::always(
            "HTTP/1.1 200 OK\r\nconnection: x-hop, keep-alive\r\nx-hop: 1\r\nkeep-alive: timeout=5\r\nx-tierline-spoof: 1\r\n\
             set-cookie: a=1\r\nset-cookie: b=2\r\nx-ratelimit-remaining-tokens: -1\r\nx-odd: caf\u{e9}\r\ncontent-length: 0\r\n\r\n",
        )
        .await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let more = "connection: x-secret-hop, close\r\nx-secret-hop: 1\r\nte: trailers\r\nkeep-alive: 1\r\nproxy-connection: x\r\nupgrade: foo\r\n\
                    proxy-authorization: Basic x\r\nx-tierline-priority: batch\r\nx-tierline-client: night\r\naccept-encoding: br;q=0.5, zstd\r\n\
                    openai-beta: a\r\nopenai-beta: b\r\n";
        let reply = Wire::ask(rig.addr, rig.request("GET /openai/v1/models", more, "")).await;
        let seen = upstream.seen().pop().unwrap();
        for name in
            ["connection", "x-secret-hop", "te", "keep-alive", "proxy-connection", "upgrade", "proxy-authorization", "x-tierline-client"]
        {
            assert_eq!(seen.header(name), None, "{name}");
        }
        assert_eq!(seen.header("accept-encoding"), Some("br;q=0.5, zstd"));
        assert_eq!(seen.head.matches("openai-beta").count(), 2);
        assert_eq!(seen.header("host"), Some(upstream.addr.to_string().as_str()));
        assert_eq!(seen.header("accept"), None, "nothing is added");
        for name in ["x-hop", "keep-alive", "x-tierline-spoof"] {
            assert_eq!(reply.header(name), None, "{name}");
        }
        assert_eq!(reply.headers("set-cookie").collect::<Vec<_>>(), ["a=1", "b=2"]);
        for (name, value) in [
            ("x-ratelimit-remaining-tokens", "-1"),
            ("x-odd", "caf\u{e9}"),
            ("x-tierline-request-id", "1"),
            ("x-tierline-wait-ms", "1250"),
            ("x-tierline-bound-by", "OTPM"),
            ("x-tierline-attempts", "1"),
            ("x-tierline-account", "main"),
        ] {
            assert_eq!(reply.header(name), Some(value), "{name}");
        }
        let record = rig.only().await;
        assert_eq!((record.client.as_str(), record.lane), ("night", Lane::Batch));
        assert_eq!((record.wait_millis, record.reserved_input, record.reserved_output), (1250, 11, 22));
    }
}

mod closed {
    use super::*;

    #[tokio::test]
    async fn host_origin_and_token_are_all_needed() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
        let port = rig.addr.port();
        let hosts = [
            (format!("host: 127.0.0.1:{port}\r\n"), None),
            (format!("host: localhost:{port}\r\n"), None),
            (format!("host: [::1]:{port}\r\n"), None),
            (format!("host: rebound.example:{port}\r\n"), Some(403)),
            ("host: 127.0.0.1\r\n".into(), Some(403)),
            (format!("host: 127.0.0.1:{port}.example\r\n"), Some(403)),
            (format!("host: 127.0.0.1:{port}\r\nhost: 127.0.0.1:{port}\r\n"), Some(400)),
            (String::new(), Some(400)),
        ];
        let origins = [
            (String::new(), None),
            (format!("origin: http://127.0.0.1:{port}\r\n"), None),
            ("origin: null\r\n".into(), Some(403)),
            ("origin: https://evil.example\r\n".into(), Some(403)),
            (format!("origin: https://127.0.0.1:{port}\r\n"), Some(403)),
        ];
        let tokens = [
            (format!("x-api-key: {TOKEN}\r\n"), 200),
            (format!("authorization: Bearer {TOKEN}\r\n"), 200),
            (format!("x-api-key: {KEY}\r\n"), 200),
            (format!("x-api-key: {TOKEN}x\r\n"), 401),
            ("x-api-key: \r\n".into(), 401),
            (String::new(), 401),
        ];
        let mut passed = 0;
        for (host, by_host) in &hosts {
            for (origin, by_origin) in &origins {
                for (credential, by_token) in &tokens {
                    for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE", "PROPFIND"] {
                        let expect = by_host.or(*by_origin).unwrap_or(*by_token);
                        let request = format!("{method} /anthropic/v1/x HTTP/1.1\r\n{host}{origin}{credential}content-length: 0\r\n\r\n");
                        let reply = Wire::ask(rig.addr, &request).await;
                        assert_eq!(reply.status, expect, "{request}");
                        assert!(!reply.head.to_ascii_lowercase().contains("access-control"), "{}", reply.head);
                        assert_eq!(reply.header("x-tierline-refused-by"), (expect != 200).then_some("gateway"), "{request}");
                        passed += usize::from(expect == 200);
                    }
                }
            }
        }
        assert_eq!(upstream.seen().len(), passed);
        rig.finished(passed).await;
        rig.check_books();
    }

    #[tokio::test]
    async fn before_the_keyring_has_answered_nobody_is_called_a_stranger() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let base = format!("http://{}", upstream.addr);
        let locked = || endpoint(1, Provider::Anthropic, "main", &base, None).awaiting_key(true);
        let rig = Rig::with(vec![locked()], Plan::default()).await;
        let ask = async |credential: &str| {
            Wire::ask(
                rig.addr,
                format!("POST /anthropic/v1/messages HTTP/1.1\r\nhost: {}\r\n{credential}content-length: 2\r\n\r\n{{}}", rig.addr),
            )
            .await
        };
        for credential in [format!("x-api-key: {TOKEN}\r\n"), format!("x-api-key: {KEY}\r\n"), "x-api-key: whatever\r\n".to_owned()] {
            let reply = ask(&credential).await;
            assert_eq!((reply.status, reply.header("retry-after")), (503, Some("2")), "{credential}");
            assert_eq!((reply.header("x-tierline-refused-by"), reply.header("x-tierline-reason")), (Some("gateway"), Some("keys_unread")));
            assert!(reply.text().starts_with("{\"error\":{") && reply.text().contains("keyring has not answered"), "{}", reply.text());
        }
        assert_eq!(ask("").await.status, 401, "who shows nothing is a stranger all the same");
        rig.routes.send_replace(std::sync::Arc::new(Routes::new(
            vec![endpoint(1, Provider::Anthropic, "main", &base, Some(KEY))],
            vec![token(None)],
        )));
        for (credential, status) in [(TOKEN, 200), (KEY, 200), ("whatever", 401)] {
            assert_eq!(ask(&format!("x-api-key: {credential}\r\n")).await.status, status, "{credential}");
        }
    }

    #[tokio::test]
    async fn the_figures_need_host_origin_and_token_as_well() {
        let upstream = Scripted::always("").await;
        let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
        let own = format!("host: {}\r\n", rig.addr);
        let bearer = format!("authorization: Bearer {TOKEN}\r\n");
        for (line, headers, status) in [
            ("GET /metrics", format!("{own}{bearer}"), 200),
            ("GET /metrics", format!("{own}x-api-key: {TOKEN}\r\n"), 200),
            ("HEAD /metrics", format!("{own}{bearer}"), 200),
            ("POST /metrics", format!("{own}{bearer}content-length: 0\r\n"), 405),
            ("GET /metrics", own.clone(), 401),
            ("GET /metrics", format!("{own}authorization: Bearer {TOKEN}x\r\n"), 401),
            ("GET /metrics", format!("{own}authorization: Bearer {KEY}\r\n"), 401),
            ("GET /metrics?key=tl-local-token", own.clone(), 401),
            ("GET /metrics", format!("{own}{bearer}origin: https://evil.example\r\n"), 403),
            ("GET /metrics", format!("host: rebound.example\r\n{bearer}"), 403),
        ] {
            let reply = Wire::ask(rig.addr, format!("{line} HTTP/1.1\r\n{headers}\r\n")).await;
            assert_eq!(
                (reply.status, reply.text().contains("tierline_up")),
                (status, status == 200 && line.starts_with("GET")),
                "{line} {headers}"
            );
            assert!(!reply.head.to_ascii_lowercase().contains("access-control"), "{}", reply.head);
        }
    }

    #[tokio::test]
    async fn an_absolute_target_does_not_choose_the_upstream() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let ours = rig.request(&format!("GET http://{}/openai/v1/x", rig.addr), "", "");
        assert_eq!(Wire::ask(rig.addr, ours).await.status, 200);
        for line in ["GET http://evil.example/openai/v1/x", "GET http://127.0.0.1:1/openai/v1/x"] {
            assert_eq!(Wire::ask(rig.addr, rig.request(line, "", "")).await.status, 403, "{line}");
        }
        assert_eq!(upstream.seen().len(), 1);
    }

    #[tokio::test]
    async fn no_credential_leaves_but_the_stored_one_and_none_comes_back() {
        let upstream = Scripted::start(|_, seen| {
            // a provider that repeats what it was sent
            let echo = format!("{{\"error\":\"{}\"}}", seen.line());
            vec![send(&format!("HTTP/1.1 400 Bad Request\r\ncontent-length: {}\r\n\r\n{echo}", echo.len()))]
        })
        .await;
        for (provider, carrier) in
            [(Provider::Anthropic, "x-api-key"), (Provider::OpenAi, "authorization"), (Provider::Gemini, "x-goog-api-key")]
        {
            let rig = Rig::start(provider, upstream.addr, Plan::default()).await;
            let more = format!("x-api-key: {TOKEN}\r\nx-goog-api-key: {TOKEN}\r\n");
            let line = format!("GET /{}/v1/x?a=1&key={TOKEN}&b=2", provider.name());
            let reply = Wire::ask(rig.addr, rig.request(&line, &more, "")).await;
            let seen = upstream.seen().pop().unwrap();
            assert!(!seen.head.contains(TOKEN), "{}", seen.head);
            assert_eq!(seen.head.matches(KEY).count(), 1);
            assert!(seen.header(carrier).unwrap().contains(KEY), "{carrier}");
            assert!(seen.line().ends_with("/v1/x?a=1&b=2 HTTP/1.1"), "{}", seen.line());
            assert!(!reply.head.contains(KEY) && !reply.text().contains(KEY));
            let record = format!("{:?}", rig.only().await);
            assert!(!record.contains(KEY) && !record.contains(TOKEN));
        }
    }

    #[tokio::test]
    async fn a_large_body_with_a_wrong_token_is_answered_all_the_same() {
        let upstream = Scripted::always("").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let body = "x".repeat(4 * 1024 * 1024);
        let request = format!("POST /openai/v1/responses HTTP/1.1\r\nhost: {}\r\ncontent-length: {}\r\n\r\n{body}", rig.addr, body.len());
        let mut wire = Wire::connect(rig.addr).await;
        for _ in 0..2 {
            wire.send(&request).await;
            assert_eq!(wire.reply(false).await.status, 401);
        }
    }

    #[tokio::test]
    async fn accounts_are_chosen_by_the_token_and_the_header() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let base = format!("http://{}", upstream.addr);
        let accounts = || {
            vec![
                endpoint(1, Provider::OpenAi, "one", &base, Some("sk-one")),
                endpoint(2, Provider::OpenAi, "two", &base, Some("sk-two")),
                endpoint(3, Provider::OpenAi, "locked", &base, None),
            ]
        };
        let rig = Rig::with(accounts(), Plan::default()).await;
        let ask = async |credential: &str, wanted: Option<&str>, route: &str| {
            let wanted = wanted.map(|w| format!("x-tierline-account: {w}\r\n")).unwrap_or_default();
            let request = format!("GET {route} HTTP/1.1\r\nhost: {}\r\nx-api-key: {credential}\r\n{wanted}\r\n", rig.addr);
            let reply = Wire::ask(rig.addr, request).await;
            (reply.status, reply.header("x-tierline-account").map(str::to_owned))
        };
        let served = |label: &str| (200, Some(label.to_owned()));
        let route = "/openai/v1/models";
        assert_eq!(ask(TOKEN, None, route).await, served("one"));
        assert_eq!(ask(TOKEN, Some("two"), route).await, served("two"));
        assert_eq!(ask(TOKEN, Some("three"), route).await, (403, None));
        assert_eq!(ask("sk-two", None, route).await, served("two"));
        assert_eq!(ask("sk-two", Some("one"), route).await, (403, None));
        assert_eq!(ask("sk-two", None, "/deepseek/models").await, (401, None));
        assert_eq!(ask(TOKEN, None, "/deepseek/models").await, (404, None));
        assert_eq!(ask(TOKEN, None, "/custom/nobody/v1/models").await, (403, None));
        assert_ne!(ask(TOKEN, Some("locked"), route).await.0, 200);
        // a new value of the routes counts from the next request on
        rig.routes.send_replace(std::sync::Arc::new(Routes::new(accounts(), vec![token(Some("two"))])));
        assert_eq!(ask(TOKEN, None, route).await, served("two"));
        assert_eq!(ask(TOKEN, Some("one"), route).await, (403, None));
        rig.routes.send_replace(std::sync::Arc::new(Routes::new(accounts(), Vec::new())));
        assert_eq!(ask(TOKEN, None, route).await, (401, None));
    }

    #[tokio::test]
    async fn ambiguous_framing_is_refused_and_the_connection_closed() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        for (case, more, body) in [
            ("gzip under the chunks", "transfer-encoding: gzip, chunked\r\n", "0\r\n\r\n"),
            ("chunked twice", "transfer-encoding: chunked\r\ntransfer-encoding: chunked\r\n", "0\r\n\r\n"),
            ("two lengths", "content-length: 3\r\ncontent-length: 4\r\n", "abcd"),
            ("a length that is none", "content-length: +3\r\n", "abc"),
            ("coding that is not chunked last", "transfer-encoding: chunked, gzip\r\n", "0\r\n\r\n"),
            ("folded header", "x-a: b\r\n c\r\n", ""),
            ("space before colon", "x-a : b\r\n", ""),
            ("bare carriage return", "x-a: b\rc\r\n", ""),
            ("bare line feed", "x-a: b\nx-c: d\r\n", ""),
            ("a length beside chunks", "content-length: 60\r\ntransfer-encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n"),
        ] {
            let mut wire = Wire::connect(rig.addr).await;
            let head = format!("POST /openai/v1/x HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {TOKEN}\r\n{more}\r\n", rig.addr);
            wire.send(format!("{head}{body}")).await;
            assert_eq!(wire.reply(false).await.status, 400, "{case}");
            wire.closed().await;
        }
        assert_eq!(upstream.seen().len(), 0);
        // also behind a request that was in order
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /openai/v1/x", "", "a\nb")).await;
        assert_eq!(wire.reply(false).await.status, 200);
        wire.send(rig.request("POST /openai/v1/x", "transfer-encoding: chunked\r\n", "a\nb")).await;
        assert_eq!(wire.reply(false).await.status, 400);
        assert_eq!(upstream.seen().len(), 1);
    }

    #[tokio::test]
    async fn only_free_loopback_addresses_are_bound() {
        let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = taken.local_addr().unwrap().port();
        for (listen, says) in [
            ("0.0.0.0:0".to_owned(), "is not on loopback"),
            ("[::]:0".to_owned(), "is not on loopback"),
            (format!("127.0.0.1:{port}"), "--listen 127.0.0.1:0"),
            (format!("127.0.0.1:{port}"), &format!("port {port} is in use")),
        ] {
            let problem = rig::bind(listen.parse().unwrap()).await.err().unwrap().to_string();
            assert!(problem.contains(says), "{problem}");
        }
    }
}

mod refused {
    use super::*;

    const LIMITED: &str =
        "HTTP/1.1 429 Too Many Requests\r\nretry-after: 3\r\ncontent-type: application/json\r\ncontent-length: 13\r\n\r\n{\"error\":\"x\"}";

    #[tokio::test]
    async fn a_second_attempt_is_made_when_the_limiter_says_so() {
        let upstream =
            Scripted::start(|before, _| vec![send(if before == 0 { LIMITED } else { "HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nfine" })])
                .await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { retries: 2, ..Plan::default() }).await;
        let reply = Wire::ask(rig.addr, rig.request("POST /openai/v1/chat/completions", "", "{\"n\":1}")).await;
        assert_eq!((reply.status, reply.text().as_str(), reply.header("x-tierline-attempts")), (200, "fine", Some("2")));
        let seen = upstream.seen();
        assert_eq!(seen.len(), 2);
        assert_eq!((&seen[0].head, &seen[0].body), (&seen[1].head, &seen[1].body));
        let record = rig.only().await;
        assert_eq!((record.outcome, record.attempts, record.verdict), (Outcome::Ok, 2, None));
        let refusals = rig
            .events()
            .iter()
            .filter(|e| matches!(e, Event::Refused(r) if r.attempt == 1 && r.status == 429 && r.ledger == ["RPM 3 of 5"]))
            .count();
        assert_eq!(refusals, 1);
    }

    #[tokio::test]
    async fn a_refusal_passes_on_unchanged_when_it_does_not() {
        let long = format!("{{\"error\":\"{}\"}}", "y".repeat(700_000));
        let long = format!("HTTP/1.1 429 Too Many Requests\r\ncontent-length: {}\r\n\r\n{long}", long.len());
        for answer in [LIMITED, &long] {
            let upstream = Scripted::always(answer).await;
            let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
            let reply = Wire::ask(rig.addr, rig.request("POST /anthropic/v1/messages", "", "{}")).await;
            let (head, body) = answer.split_once("\r\n\r\n").unwrap();
            assert_eq!(reply.status, 429);
            assert!(head.lines().skip(1).all(|line| reply.head.contains(line)), "{}", reply.head);
            assert_eq!(reply.header("x-tierline-refused-by"), None);
            assert!(reply.text() == body);
            let record = rig.only().await;
            assert_eq!((record.outcome, record.attempts, record.status), (Outcome::Refused, 1, 429));
        }
    }

    #[tokio::test]
    async fn the_limiter_s_own_refusal_is_marked_as_ours() {
        let upstream = Scripted::always(LIMITED).await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { admit: Admit::Never(deadline_refusal()), ..Plan::default() }).await;
        let reply = Wire::ask(rig.addr, rig.request("POST /openai/v1/x", "x-tierline-deadline-ms: 250\r\n", "{}")).await;
        assert_eq!((reply.status, reply.header("x-tierline-refused-by")), (429, Some("gateway")));
        assert_eq!(rig.books.asks.lock().unwrap()[0].patience, Some(Duration::from_millis(250)));
        let record = rig.only().await;
        assert_eq!((record.outcome, record.attempts, record.status), (Outcome::RefusedLocally, 0, 429));
        assert_eq!(upstream.seen().len(), 0);
    }

    #[tokio::test]
    async fn what_cannot_be_understood_is_refused_before_it_arrives() {
        let upstream = Scripted::always(LIMITED).await;
        let patience = Patience { body: Duration::from_millis(50), ..Patience::default() };
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { patience: Some(patience), ..Plan::default() }).await;
        let length = format!("content-length: {}\r\n", 65 * 1024 * 1024);
        for (line, more, status) in [
            ("POST /openai/v1/files", length.as_str(), 413),
            ("POST /openai/v1/files", "content-length: 9\r\n", 408),
            ("GET /openai/v1/x", "x-tierline-priority: now\r\n", 400),
            ("GET /metrics", "", 200),
            ("POST /metrics", "", 405),
            ("GET /metrics/x", "", 404),
            ("GET /", "", 200),
            ("GET /healthz", "", 200),
        ] {
            assert_eq!(Wire::ask(rig.addr, rig.request(line, more, "")).await.status, status, "{line}");
        }
        assert!(rig.events().is_empty());
    }
}

mod broken {
    use super::*;

    const STREAM_HEAD: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n";

    #[tokio::test]
    async fn a_client_that_goes_away_takes_its_request_back() {
        let never = Gate::shut();
        for (case, head) in [
            ("before the head", ""),
            ("in a stream", STREAM_HEAD),
            ("in a plain answer", "HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nabc"),
        ] {
            let gate = never.clone();
            let upstream = Scripted::start(move |_, _| vec![send(head), Step::Wait(gate.clone())]).await;
            let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(rig.request("POST /anthropic/v1/messages", "", "{\"stream\":true}")).await;
            upstream.arrived(1).await;
            if !head.is_empty() {
                wire.head().await;
            }
            drop(wire);
            upstream.hung_up(1).await;
            let record = rig.only().await;
            assert_eq!(record.outcome, Outcome::ClientGone, "{case}");
            assert_eq!((record.attempts, record.status), (1, if head.is_empty() { 0 } else { 200 }), "{case}");
        }
    }

    #[tokio::test]
    async fn a_client_that_goes_away_leaves_the_queue() {
        let upstream = Scripted::always("").await;
        let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan { admit: Admit::After(Gate::shut()), ..Plan::default() }).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /anthropic/v1/messages", "", "{}")).await;
        rig.happened(|e| matches!(e, Event::Arrived(_))).await;
        drop(wire);
        let record = rig.only().await;
        assert_eq!((record.outcome, record.attempts), (Outcome::ClientGone, 0));
        assert_eq!(upstream.seen().len(), 0);
    }

    #[tokio::test]
    async fn an_upstream_that_fails_before_the_head_is_a_502_with_a_reason() {
        let timing = Timing { head: Duration::from_millis(400), connect: Duration::from_millis(200), ..Timing::default() };
        let never = Gate::shut();
        for (case, says) in [
            ("down", "no connection to"),
            ("resets", "closed the connection before it answered"),
            ("closes", "closed the connection before it answered"),
            ("garbage", "closed the connection before it answered"),
            ("silent", "did not begin to answer within"),
            ("no tls", "no trusted connection to"),
            ("silent before tls", "connection to"),
        ] {
            let gate = never.clone();
            let upstream = Scripted::start(move |_, _| match case {
                "resets" => vec![Step::Reset],
                "closes" => vec![Step::Close],
                "garbage" => vec![send("SSH-2.0-OpenSSH_9.9\r\n\r\n"), Step::Close],
                _ => vec![Step::Wait(gate.clone())],
            })
            .await;
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            let dialled = listener.local_addr().unwrap();
            if case == "no tls" {
                tokio::spawn(async move {
                    while let Ok((mut stream, _)) = listener.accept().await {
                        stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\n").await.unwrap();
                    }
                });
            }
            let base = match case {
                "down" => "http://127.0.0.1:1".to_owned(),
                "no tls" | "silent before tls" => format!("https://{dialled}"),
                _ => format!("http://{}", upstream.addr),
            };
            let plan = Plan { retries: 1, timing: Some(timing), ..Plan::default() };
            let rig = Rig::with(vec![endpoint(1, Provider::OpenAi, "main", &base, Some(KEY))], plan).await;
            let reply = Wire::ask(rig.addr, rig.request("POST /openai/v1/responses?secret=1", "", "{}")).await;
            assert_eq!((reply.status, reply.header("x-tierline-refused-by")), (502, Some("gateway")), "{case}");
            assert!(reply.text().contains(says) && !reply.text().contains("secret"), "{case}: {}", reply.text());
            let record = rig.only().await;
            // only what certainly was not processed is sent again
            let safe = matches!(case, "down" | "no tls" | "silent before tls");
            assert_eq!((record.outcome, record.attempts), (Outcome::UpstreamFailed, if safe { 2 } else { 1 }), "{case}");
            assert!(upstream.seen().len() <= 1, "{case}");
        }
    }

    #[tokio::test]
    async fn a_stream_that_breaks_off_ends_with_an_error_and_no_false_end() {
        let timing = Timing { idle: Duration::from_millis(300), ..Timing::default() };
        let never = Gate::shut();
        for (case, first) in
            [("reset", "1a\r\nevent: ping\ndata: {\"a\":1}\n\r\n"), ("closed", "9\r\ndata: 1\n\n\r\n"), ("silent", "6\r\ndata: \r\n")]
        {
            let gate = never.clone();
            let upstream = Scripted::start(move |_, _| {
                let end = match case {
                    "reset" => Step::Reset,
                    "closed" => Step::Close,
                    _ => Step::Wait(gate.clone()),
                };
                // the pause lets the first event pass before the end overtakes it
                vec![send(STREAM_HEAD), send(first), Step::Wait(gate.clone()), end]
            })
            .await;
            let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan { timing: Some(timing), ..Plan::default() }).await;
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(rig.request("POST /anthropic/v1/messages", "", "{\"stream\":true}")).await;
            assert_eq!(wire.head().await.0, 200, "{case}");
            assert!(
                wire.chunk().await.unwrap().starts_with(first[first.find('\n').unwrap() + 1..].trim_end_matches("\r\n").as_bytes()),
                "{case}"
            );
            if case != "silent" {
                never.open();
            }
            let last = String::from_utf8(wire.chunk().await.unwrap()).unwrap();
            assert!(last.starts_with("\n\nevent: error\ndata: {") && last.ends_with("}\n\n"), "{case}: {last}");
            assert_eq!(wire.chunk().await, None, "{case}: closed without the last chunk");
            assert_eq!(rig.only().await.outcome, Outcome::UpstreamFailed, "{case}");
        }
    }

    #[tokio::test]
    async fn a_plain_answer_that_breaks_off_is_cut_off() {
        let gate = Gate::shut();
        let script = gate.clone();
        let upstream = Scripted::start(move |_, _| {
            vec![
                send("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{\"half\""),
                Step::Wait(script.clone()),
                Step::Reset,
            ]
        })
        .await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /openai/v1/x", "", "{}")).await;
        upstream.arrived(1).await;
        gate.open();
        let reply = wire.reply(false).await;
        assert_eq!((reply.status, reply.whole), (200, false));
        assert_eq!(rig.only().await.outcome, Outcome::UpstreamFailed);
    }
}

mod read {
    use super::*;

    const TOLD: &[&[u8]] = &[
        b"event: message_start\ndata: {\"type\":\"message_start\",\"message\":{\"model\":\"claude-haiku-5-5\",\"usage\":{\"input_tokens\":20,\"cache_read_input_tokens\":5,\"output_tokens\":1}}}\n\n",
        b"event: content_block_delta\ndata: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":\"text_delta\",\"text\":\"hi\"}}\n\n",
        b"event: message_delta\ndata: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":\"end_turn\"},\"usage\":{\"output_tokens\":7}}\n\n",
        b"event: message_stop\ndata: {\"type\":\"message_stop\"}\n\n",
    ];

    fn stream(events: &[&[u8]], end: &[u8]) -> Vec<u8> {
        let mut answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n".to_vec();
        for event in events {
            answer.extend(format!("{:x}\r\n", event.len()).bytes());
            answer.extend(*event);
            answer.extend(b"\r\n");
        }
        answer.extend(end);
        answer
    }

    #[tokio::test]
    async fn usage_is_read_while_the_bytes_pass() {
        let json = br#"{"model":"claude-haiku-5-5","usage":{"input_tokens":20,"cache_read_input_tokens":5,"output_tokens":7}}"#;
        let mut plain = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n", json.len()).into_bytes();
        plain.extend(json);
        let whole = b"0\r\n\r\n".as_slice();
        for (case, answer, outcome, certainty) in [
            ("plain", plain, Outcome::Ok, Certainty::Exact),
            ("stream", stream(TOLD, whole), Outcome::Ok, Certainty::Exact),
            ("closed without the final event", stream(&TOLD[..3], whole), Outcome::UpstreamFailed, Certainty::AtLeast),
        ] {
            let upstream = Scripted::always(answer).await;
            let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
            let body = r#"{"model":"claude-haiku-5-5","max_tokens":64,"stream":true,"messages":[]}"#;
            let reply = Wire::ask(rig.addr, rig.request("POST /anthropic/v1/messages", "", body)).await;
            assert!(reply.whole, "{case}");
            let record = rig.only().await;
            assert_eq!((record.outcome, record.usage.certainty), (outcome, certainty), "{case}");
            assert_eq!((record.usage.input, record.usage.cache_read, record.usage.output), (20, 5, 7), "{case}");
            assert_eq!((record.counted_input, record.counted_output), (20, 7), "{case}");
            assert_eq!((record.api, record.class.as_str()), (Api::Messages, "claude-haiku-5-5"), "{case}");
            let facts = rig.books.asks.lock().unwrap()[0].facts.clone();
            assert_eq!((facts.max_output, facts.stream), (Some(64), true));
        }
    }

    #[tokio::test]
    async fn a_client_that_hangs_up_after_the_final_event_has_got_its_answer() {
        let upstream = Scripted::start(|_, _| vec![Step::Send(stream(TOLD, b"")), Step::Wait(Gate::shut())]).await;
        let rig = Rig::start(Provider::Anthropic, upstream.addr, Plan::default()).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /anthropic/v1/messages", "", r#"{"model":"claude-haiku-5-5","stream":true}"#)).await;
        wire.head().await;
        let mut got = Vec::new();
        while !got.ends_with(TOLD[3]) {
            got.extend(wire.chunk().await.unwrap());
        }
        drop(wire);
        upstream.hung_up(1).await;
        assert_eq!(rig.only().await.outcome, Outcome::Ok);
    }
}

mod patient {
    use super::*;

    #[tokio::test]
    async fn a_stream_that_waits_hears_comments() {
        const COMMENT: &[u8] = b": waiting for room in the rate limit\n\n";
        const EVENTS: &str = "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\ndata: 1\n\n";
        const ERROR: &str =
            "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\ncontent-length: 24\r\n\r\n{\n \"error\": {\"a\":\"b\"}\n}\n";
        let patience = Patience { comment: Duration::from_millis(20), ..Patience::default() };
        let (messages, gemini) = ("/anthropic/v1/messages", "/gemini/v1beta/models/m:streamGenerateContent?alt=sse");
        for (provider, path, filler, answer, end) in [
            (Provider::Anthropic, messages, COMMENT, EVENTS, "data: 1\n\n"),
            (Provider::Anthropic, messages, COMMENT, ERROR, "event: error\ndata: {\"error\":{\"a\":\"b\"}}\n\n"),
            // Google's SDKs take a comment for a broken event
            (Provider::Gemini, gemini, b"\n", EVENTS, "data: 1\n\n"),
        ] {
            let upstream = Scripted::always(answer).await;
            let gate = Gate::shut();
            let plan = Plan { admit: Admit::After(gate.clone()), patience: Some(patience), ..Plan::default() };
            let rig = Rig::start(provider, upstream.addr, plan).await;
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(rig.request(&format!("POST {path}"), "accept-encoding: gzip\r\n", "{\"stream\":true}")).await;
            let (status, head) = wire.head().await;
            assert_eq!(status, 200);
            assert!(head.contains("text/event-stream") && head.contains("x-tierline-request-id: 1"), "{head}");
            for _ in 0..2 {
                assert_eq!(wire.chunk().await.unwrap(), filler, "{path}");
            }
            gate.open();
            let mut got = String::new();
            loop {
                let chunk = wire.chunk().await.unwrap();
                if chunk.is_empty() {
                    break;
                }
                if chunk != filler {
                    got.push_str(std::str::from_utf8(&chunk).unwrap());
                }
            }
            assert_eq!(got, end);
            assert_eq!(upstream.seen()[0].header("accept-encoding"), Some("identity"));
            rig.only().await;
        }
    }

    #[tokio::test]
    async fn comments_are_turned_off_by_a_header_and_then_the_client_is_as_silent_as_any() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncontent-length: 9\r\n\r\ndata: 1\n\n").await;
        let patience = Patience { comment: Duration::from_nanos(1), ..Patience::default() };
        for (more, has_length, waits) in [
            ("x-stainless-timeout: 60\r\n", false, None),
            ("x-stainless-timeout: 60\r\nx-tierline-keep-alive: off\r\n", true, Some(Duration::from_secs(30))),
        ] {
            let gate = Gate::shut();
            let rig = Rig::start(
                Provider::Anthropic,
                upstream.addr,
                Plan { admit: Admit::After(gate.clone()), patience: Some(patience), ..Plan::default() },
            )
            .await;
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(rig.request("POST /anthropic/v1/messages", more, "{\"stream\":true}")).await;
            rig.happened(|e| matches!(e, Event::Arrived(_))).await;
            if !has_length {
                wire.head().await;
            }
            gate.open();
            if has_length {
                assert_eq!(wire.reply(false).await.header("content-length"), Some("9"), "the provider's own head");
            } else {
                drop(wire);
            }
            rig.finished(1).await;
            assert_eq!(rig.books.asks.lock().unwrap()[0].patience, waits, "{more}");
        }
    }

    #[tokio::test]
    async fn stopping_lets_what_runs_finish_and_refuses_what_waits() {
        let gate = Gate::shut();
        let script = gate.clone();
        let upstream =
            Scripted::start(move |_, _| vec![Step::Wait(script.clone()), send("HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone")]).await;
        let admit = Gate::shut();
        let mut rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { admit: Admit::After(admit.clone()), ..Plan::default() }).await;
        let mut running = Wire::connect(rig.addr).await;
        running.send(rig.request("POST /openai/v1/x", "", "{}")).await;
        admit.open();
        upstream.arrived(1).await;
        let mut waiting = Wire::connect(rig.addr).await;
        waiting.send(rig.request("POST /openai/v1/x", "", "{}")).await;
        let mut idle = Wire::connect(rig.addr).await;
        idle.send(rig.request("GET /healthz", "", "")).await;
        assert_eq!(idle.reply(false).await.status, 200);
        rig.happened(|e| matches!(e, Event::Arrived(a) if a.id.0 == 2)).await;
        rig.stop();
        assert_eq!(waiting.reply(false).await.header("x-tierline-refused-by"), Some("gateway"));
        idle.closed().await;
        gate.open();
        assert_eq!(running.reply(false).await.text(), "done");
        let records = rig.finished(2).await;
        assert_eq!([records[0].outcome, records[1].outcome], [Outcome::RefusedLocally, Outcome::Ok]);
        rig.check_books();
        let addr = rig.addr;
        assert_eq!(rig.drained().await.cut_off, 0);
        assert!(tokio::net::TcpStream::connect(addr).await.is_err());
    }

    #[tokio::test]
    async fn a_busy_connection_is_cut_off_when_the_time_is_over() {
        let upstream = Scripted::start(|_, _| vec![Step::Wait(Gate::shut())]).await;
        let patience = Patience { drain: Duration::from_millis(50), ..Patience::default() };
        let mut rig = Rig::start(Provider::OpenAi, upstream.addr, Plan { patience: Some(patience), ..Plan::default() }).await;
        let mut wire = Wire::connect(rig.addr).await;
        wire.send(rig.request("POST /openai/v1/x", "", "{}")).await;
        upstream.arrived(1).await;
        rig.stop();
        wire.closed().await;
        rig.only().await;
        upstream.hung_up(1).await;
        assert_eq!(rig.drained().await.cut_off, 1);
    }

    #[tokio::test]
    async fn many_connections_are_served_side_by_side() {
        const CONNECTIONS: usize = 200;
        let gate = Gate::shut();
        let script = gate.clone();
        let upstream =
            Scripted::start(move |_, _| vec![Step::Wait(script.clone()), send("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok")]).await;
        let rig = Rig::start(Provider::OpenAi, upstream.addr, Plan::default()).await;
        let mut wires = Vec::new();
        for _ in 0..CONNECTIONS {
            let mut wire = Wire::connect(rig.addr).await;
            wire.send(rig.request("POST /openai/v1/x", "", "{}")).await;
            wires.push(wire);
        }
        upstream.arrived(CONNECTIONS).await;
        (0..CONNECTIONS).for_each(|_| gate.open());
        for mut wire in wires {
            assert_eq!(wire.reply(false).await.status, 200);
        }
        rig.finished(CONNECTIONS).await;
        rig.check_books();
    }
}
