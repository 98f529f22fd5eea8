//! Everything that can be wrong with what Tierline is given: each case is survived, and its message says what to do.

#![cfg(unix)]
#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

#[path = "support/ask.rs"]
mod ask;
#[expect(dead_code, reason = "shared with tests that look at more")]
#[path = "support/home.rs"]
mod home;
#[expect(dead_code, reason = "shared with tests that script more")]
#[path = "support/scripted.rs"]
mod scripted;

use std::ffi::OsStr;
use std::fs;
use std::net::TcpListener;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, chown};
use std::os::unix::process::CommandExt;

use ask::{Reply, message, post, post_with};
use home::{Home, Ran, until};
use scripted::{Gate, Scripted, Step};
use serde_json::{Value, json};

const KEY: &str = "sk-ant-test-c0ffee01";

/// A home with an account at this address.
fn home_at(provider: &str, address: &str) -> Home {
    let home = Home::with(&[("WORK_KEY", KEY)]);
    home.add_account(provider, "work", address, "WORK_KEY");
    home
}

fn ran(output: &std::process::Output) -> Ran {
    Ran::new(output.status, &output.stdout, &output.stderr)
}

mod place {
    use super::*;

    #[test]
    fn a_port_that_is_taken_or_open_to_others_is_refused() {
        let home = Home::new();
        let taken = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = taken.local_addr().unwrap();
        let words = [&format!("port {} is in use", address.port()), "another Tierline may be running", "--listen 127.0.0.1:0"];
        home.run(&format!("serve --vault env --listen {address}")).failed(&words);
        home.run("serve --vault env --listen 0.0.0.0:0").failed(&["0.0.0.0:0 is not on loopback", "--listen 127.0.0.1:4140"]);
        // neither has kept the folder
        home.serve().stop().done();
    }

    #[test]
    fn a_folder_that_cannot_hold_files_is_refused_with_another_way() {
        let home = Home::new();
        let file = home.path("file");
        fs::write(&file, "mine").unwrap();
        let public = home.path("public");
        fs::create_dir(&public).unwrap();
        fs::set_permissions(&public, fs::Permissions::from_mode(0o755)).unwrap();
        fs::write(public.join("notes.txt"), "mine").unwrap();
        for (folder, what, advice) in [
            (file.clone(), "is a file", "--data-dir or TIERLINE_DATA_DIR"),
            (file.join("below"), "is a file", "--data-dir or TIERLINE_DATA_DIR"),
            ("/proc/tierline".into(), "cannot be used", "--data-dir or TIERLINE_DATA_DIR"),
            (public, "holds other files and is open to other users", "public/tierline"),
        ] {
            for command in
                ["status", "token list --json", "serve --vault env --listen 127.0.0.1:0", "export --what limits --format csv --out -"]
            {
                home.run(&format!("{command} --data-dir {}", folder.display())).failed(&[what, advice]);
            }
        }
        assert_eq!(fs::read_to_string(file).unwrap(), "mine");
    }

    #[test]
    fn a_folder_that_may_only_be_read_is_refused_with_another_way() {
        const NOBODY: u32 = 65_534;
        let home = Home::new();
        fs::create_dir(home.data()).unwrap();
        fs::set_permissions(home.data(), fs::Permissions::from_mode(0o500)).unwrap();
        let mut command = home.command(["status"]);
        if fs::write(home.data().join("probe"), "").is_ok() {
            // root writes everywhere, so the program runs as somebody who does not
            fs::remove_file(home.data().join("probe")).unwrap();
            fs::set_permissions(home.path(""), fs::Permissions::from_mode(0o755)).unwrap();
            chown(home.data(), Some(NOBODY), Some(NOBODY)).unwrap();
            command.uid(NOBODY).gid(NOBODY).current_dir("/");
        }
        match command.output() {
            Ok(output) => ran(&output).failed(&["is read-only or closed to this user", "--data-dir or TIERLINE_DATA_DIR"]),
            Err(error) => eprintln!("NOT TESTED: nobody but root can start the program here ({error})"),
        }
    }

    #[test]
    fn a_database_of_a_newer_version_is_left_alone() {
        let home = Home::new();
        home.run("token list").done();
        let database = home.data().join("tierline.db");
        rusqlite::Connection::open(&database).unwrap().pragma_update(None, "user_version", 99).unwrap();
        let before = fs::read(&database).unwrap();
        for command in ["status", "serve --vault env --listen 127.0.0.1:0", "token new --client a"] {
            home.run(command).failed(&["has version 99", "use the newer Tierline", "nothing was changed"]);
        }
        assert_eq!(fs::read(&database).unwrap(), before);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_corrupt_database_is_moved_aside_and_the_gateway_runs() {
        const DAMAGE: &[u8] = b"this was a database once";
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let home = Home::with(&[("WORK_KEY", KEY)]);
        home.token("notebook");
        fs::write(home.data().join("tierline.db"), DAMAGE).unwrap();
        let serve = home.serve();
        home.add_account("custom", "work", &format!("http://{}", upstream.addr), "WORK_KEY");
        let token = home.token("notebook");
        assert_eq!(post(&format!("{}/custom/work/v1/x", serve.url()), &token, "{}").await.status, 200);
        let said = serve.stop();
        assert_eq!((said.status.code(), said.err.contains('\u{1b}')), (Some(0), false), "a file has no colours");
        for word in ["the database was corrupt", "the old one is kept as", "accounts have to be added again"] {
            assert!(said.err.contains(word), "no {word:?} in {said:?}");
        }
        let kept = fs::read_dir(home.data()).unwrap().map(|entry| entry.unwrap().path());
        let kept = kept.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("tierline.corrupt-")).collect::<Vec<_>>();
        assert_eq!(kept.iter().map(|path| fs::read(path).unwrap()).collect::<Vec<_>>(), [DAMAGE]);
        assert_eq!(home.exported("requests").len(), 1);
    }

    #[test]
    fn a_second_gateway_on_the_same_folder_learns_who_has_it() {
        let home = Home::new();
        let serve = home.serve();
        let words = [&format!("another Tierline (process {}) already serves", serve.id()), "--data-dir"];
        home.run("serve --vault env --listen 127.0.0.1:0").failed(&words);
        home.run("token new --client a").done();
        serve.stop().done();
        home.serve().stop().done();
    }
}

mod keys_and_urls {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn a_pasted_key_is_trimmed_before_it_is_used() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let home = Home::with(&[("WORK_KEY", &format!(" \t{KEY}\r\n"))]);
        home.add_account("anthropic", "work", &format!("http://{}", upstream.addr), "WORK_KEY");
        let serve = home.serve();
        assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), KEY, message()).await.status, 200);
        assert_eq!(upstream.seen()[0].header("x-api-key"), Some(KEY));
        serve.stop().done();
    }

    #[test]
    fn what_cannot_be_a_key_is_refused_without_being_shown() {
        let long = "x".repeat(5_000);
        for (key, why) in [
            ("sk-secret two", "space, line break"),
            ("sk-secret\nsk-secret", "copy it again, without line breaks"),
            ("sk-sécret", "no key has"),
            (" \n", "the key is empty"),
            (&long, "longer than 4096"),
        ] {
            let home = Home::with(&[("WORK_KEY", key)]);
            let add = "accounts add --provider openai --label work";
            for ran in [home.run(&format!("{add} --vault env --key-env WORK_KEY")), home.fed(&format!("{add} --key-stdin"), key)] {
                assert!(!ran.err.contains("cret") && !ran.err.contains("xxx"), "{ran:?}");
                ran.failed(&[why]);
            }
            assert_eq!(home.run("accounts list --json").json(), json!([]));
        }
        let home = Home::new();
        home.fed("accounts add --provider openai --label work --key-stdin", b"sk-\xff\xfe").failed(&["standard input"]);
        let mut command = home.command("accounts add --vault env --provider openai --label work --key-env WORK_KEY".split(' '));
        let output = command.env("WORK_KEY", OsStr::from_bytes(b"sk-\xff")).output().unwrap();
        ran(&output).failed(&["no usable key in the environment variable WORK_KEY"]);
    }

    /// Elsewhere the keyring needs no service that could be missing.
    #[cfg(target_os = "linux")]
    #[test]
    fn a_machine_without_a_keyring_is_told_what_to_start_or_use_instead() {
        let home = Home::new();
        let words = ["no password service is running", "gnome-keyring", "--vault env"];
        home.fed("accounts add --provider openai --label work --key-stdin", KEY).failed(&words);
        assert_eq!(home.run("accounts list --json").json(), json!([]));
    }

    #[test]
    fn a_base_url_that_would_give_the_key_away_is_refused() {
        let home = Home::with(&[("WORK_KEY", KEY)]);
        for (url, words) in [
            ("http://api.example.com/v1", &["is not https", "127.0.0.1"][..]),
            ("http://10.0.0.7:8000", &["is not https"]),
            ("http://127.0.0.1.example.com", &["is not https"]),
            ("https://user:hunter2@example.com", &["must not contain a user name, password", "--key-env"]),
            ("https://example.com/?key=hunter2", &["must not contain"]),
            ("ftp://example.com", &["is not a URL", "https://"]),
            ("example.com", &["is not a URL"]),
        ] {
            let ran = home.run(&format!("accounts add --vault env --provider custom --label work --key-env WORK_KEY --base-url {url}"));
            assert!(!ran.err.contains("hunter2"), "{ran:?}");
            ran.failed(words);
        }
        for url in ["http://localhost:8000", "http://[::1]:8000/v1", "https://openrouter.ai/api/v1"] {
            home.add_account("custom", "work", url, "WORK_KEY");
            home.run("accounts remove work").done();
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_key_that_is_gone_when_it_serves_is_named() {
        let mut home = home_at("anthropic", "http://127.0.0.1:9");
        let token = home.token("notebook");
        home.set("WORK_KEY", "");
        let serve = home.serve();
        let reply = post(&format!("{}/anthropic/v1/messages", serve.url()), &token, message()).await;
        assert!(reply.status >= 400 && reply.text.contains("the key of account \\\"work\\\" could not be read"), "{reply:?}");
        assert_eq!(reply.header("x-tierline-refused-by"), Some("gateway"));
        serve.stop().done();
    }
}

mod bodies {
    use super::*;

    #[tokio::test(flavor = "multi_thread")]
    async fn what_is_not_json_passes_byte_for_byte_and_is_counted_by_size() {
        let answer = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 5\r\n\r\n\xff\x00ok!".to_vec();
        let upstream = Scripted::always(answer).await;
        let home = home_at("custom", &format!("http://{}", upstream.addr));
        let serve = home.serve();
        let large = b"\xfe\xff no json \0".repeat(1_000);
        for body in [b"{\"model\": ".as_slice(), &large, b""] {
            let reply = post(&format!("{}/custom/work/v1/chat/completions", serve.url()), KEY, body.to_vec()).await;
            assert_eq!((reply.status, reply.text.as_str()), (200, "\u{fffd}\0ok!"));
            assert_eq!(upstream.seen().last().unwrap().body, body);
        }
        serve.stop().done();
        let rows = home.exported("requests");
        let sizes: Vec<_> =
            rows.iter().map(|row| (row["request_bytes"].as_u64().unwrap(), row["response_bytes"].as_u64().unwrap())).collect();
        assert_eq!(sizes, [(10, 5), (large.len() as u64, 5), (0, 5)]);
        let reserved: Vec<u64> = rows.iter().map(|row| row["reserved_input_tokens"].as_u64().unwrap()).collect();
        assert!(reserved[1] > 1_000 && reserved[1] > 50 * reserved[0], "by size: {reserved:?}");
        assert!(rows.iter().all(|row| row["usage_certainty"] == "unknown" && row["model_asked"].is_null()));
    }
}

mod upstream {
    use super::*;

    async fn ask(home: &Home) -> (Reply, Value) {
        let serve = home.serve();
        // long enough for the retries that are worth it
        let reply =
            post_with(&format!("{}/anthropic/v1/messages", serve.url()), KEY, &[("x-tierline-deadline-ms", "3000")], message()).await;
        serve.stop().done();
        (reply, home.exported("requests").pop().unwrap())
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_down_is_502_and_says_who_and_what_to_do() {
        let nobody = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
        let home = home_at("anthropic", &format!("http://{nobody}"));
        let (reply, row) = ask(&home).await;
        assert_eq!(reply.status, 502);
        let message = reply.json()["error"]["message"].as_str().unwrap().to_owned();
        assert!(message.contains(&format!("no connection to {nobody}")) && message.contains("check the network connection"), "{message}");
        assert_eq!((&row["outcome"], &row["status"]), (&json!("upstream_failed"), &json!(502)));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_does_not_speak_http_is_502_and_is_not_asked_twice() {
        for nonsense in ["SSH-2.0-OpenSSH_9.9\r\n\r\n", "", "HTTP/1.1 banana\r\n\r\n"] {
            let upstream = Scripted::start(move |_, _| vec![Step::Send(nonsense.into()), Step::Close]).await;
            let home = home_at("anthropic", &format!("http://{}", upstream.addr));
            let (reply, row) = ask(&home).await;
            assert_eq!(reply.status, 502, "{nonsense:?}");
            assert!(
                reply.text.contains("closed the connection before it answered") && reply.text.contains("it was not repeated"),
                "{reply:?}"
            );
            assert_eq!(
                (&row["outcome"], &row["attempts"], upstream.seen().len()),
                (&json!("upstream_failed"), &json!(1), 1),
                "{nonsense:?}"
            );
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_body_of_nonsense_passes_and_its_usage_is_unknown() {
        for body in ["<html>502</html>", "{\"usage\":{\"input_tokens\":-5,\"output_tokens\":\"many\"}}", "{\"usage\":", "[[[[[[[["] {
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n{body}", body.len());
            let upstream = Scripted::always(answer).await;
            let home = home_at("anthropic", &format!("http://{}", upstream.addr));
            let (reply, row) = ask(&home).await;
            assert_eq!((reply.status, reply.text.as_str()), (200, body));
            assert_eq!((&row["output_tokens"], &row["usage_certainty"]), (&json!(0), &json!("unknown")), "{body}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn one_that_is_slow_is_waited_for() {
        let gate = Gate::shut();
        let opened = gate.clone();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
        let upstream = Scripted::start(move |_, _| vec![Step::Wait(gate.clone()), Step::Send(answer.clone())]).await;
        let home = home_at("anthropic", &format!("http://{}", upstream.addr));
        let serve = home.serve();
        let url = format!("{}/anthropic/v1/messages", serve.url());
        let asking = tokio::spawn(async move { post_with(&url, KEY, &[("x-tierline-deadline-ms", "1")], message()).await });
        upstream.arrived(1).await;
        // a deadline is about the wait for room, not about the answer
        opened.open();
        assert_eq!(asking.await.unwrap().status, 200);
        serve.stop().done();
    }
}

mod headers {
    use super::*;

    const LIMIT: &str = "anthropic-ratelimit-requests-limit";
    const REMAINING: &str = "anthropic-ratelimit-requests-remaining";
    const RESET: &str = "anthropic-ratelimit-requests-reset";

    #[tokio::test(flavor = "multi_thread")]
    async fn odd_ones_are_noted_and_break_nothing() {
        for (lines, odd, what) in [
            ([(LIMIT, "50"), (LIMIT, "60"), (REMAINING, "49")].as_slice(), LIMIT, "sent more than once"),
            (&[(LIMIT, "50"), (REMAINING, "49"), (REMAINING, "49")], REMAINING, "sent more than once"),
            (&[(LIMIT, "-1"), (REMAINING, "-1"), (RESET, "")], LIMIT, "negative"),
            (&[(LIMIT, "unlimited"), (REMAINING, "49")], LIMIT, "not a number"),
            (&[(LIMIT, "99999999999999999999999"), (REMAINING, "49")], LIMIT, "larger than any limit"),
            (&[(LIMIT, "50"), (REMAINING, "5000")], REMAINING, "more is left than the limit allows"),
            (&[(LIMIT, "50"), (REMAINING, "49"), (RESET, "soon")], RESET, "neither a time nor a length of time"),
            (&[(LIMIT, "50")], REMAINING, "absent"),
            (&[("retry-after", "whenever")], "retry-after", "not a delay"),
        ] {
            let fields = lines.iter().fold(String::new(), |text, (name, value)| text + name + ": " + value + "\r\n");
            let upstream = Scripted::always(format!("HTTP/1.1 200 OK\r\n{fields}content-length: 2\r\n\r\n{{}}")).await;
            let home = home_at("anthropic", &format!("http://{}", upstream.addr));
            let serve = home.serve();
            for _ in 0..3 {
                let reply = post(&format!("{}/anthropic/v1/messages", serve.url()), KEY, message()).await;
                assert_eq!((reply.status, reply.text.as_str()), (200, "{}"), "{lines:?}");
                let passed: Vec<_> = lines.iter().filter(|(name, _)| reply.headers.get_all(*name).iter().count() > 0).collect();
                assert_eq!(passed.len(), lines.len(), "they are passed on as they are");
            }
            serve.stop().done();
            let noted: Vec<String> = home.exported("snapshots").iter().map(|row| row["oddities"].to_string()).collect();
            assert!(noted.iter().any(|noted| noted.contains(odd) && noted.contains(what)), "{lines:?}: {noted:?}");
        }
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn none_at_all_is_nothing_odd() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let home = home_at("anthropic", &format!("http://{}", upstream.addr));
        let serve = home.serve();
        assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), KEY, message()).await.status, 200);
        serve.stop().done();
        assert!(home.exported("snapshots").iter().all(|row| row["oddities"].is_null()));
    }
}

mod shell {
    use super::*;

    #[test]
    fn nobody_reading_the_output_is_no_panic() {
        let home = Home::with(&[("TIERLINE_LOG", "trace")]);
        for line in ["models", "models --json", "export --what requests --format csv --out -", "token list --json", "status", "--help"] {
            let (reader, writer) = std::io::pipe().unwrap();
            drop(reader);
            let output = home.command(line.split(' ')).stdout(writer).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert!(matches!(output.status.code(), Some(0 | 1)) && !said.contains("panicked"), "{line}: {said}");
        }
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let output = home.command(["token", "list", "--json"]).stderr(writer).output().unwrap();
        assert_eq!((output.status.code(), output.stdout.as_slice()), (Some(0), b"[]\n".as_slice()), "nor is a log that nobody reads");
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_gateway_whose_log_nobody_reads_goes_on() {
        let upstream = Scripted::always("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
        let home = home_at("anthropic", &format!("http://{}", upstream.addr));
        let (reader, writer) = std::io::pipe().unwrap();
        drop(reader);
        let out = home.path("out");
        let mut command = home.command("serve --vault env --listen 127.0.0.1:0".split(' '));
        let mut child = command.env("TIERLINE_LOG", "trace").stdout(fs::File::create(&out).unwrap()).stderr(writer).spawn().unwrap();
        let line = until("the first line", || fs::read_to_string(&out).unwrap().strip_suffix('\n').map(str::to_owned));
        let (_, url) = line.rsplit_once(' ').unwrap();
        let reply = post(&format!("{url}/anthropic/v1/messages"), KEY, message()).await;
        child.kill().unwrap();
        child.wait().unwrap();
        assert_eq!(reply.status, 200);
    }

    #[test]
    fn arguments_that_are_no_text_are_paths_or_wrong_use() {
        let home = Home::new();
        let odd = |bytes: &'static [u8]| OsStr::from_bytes(bytes);
        for args in [
            [odd(b"token"), odd(b"new"), odd(b"--client"), odd(b"\xff\xfe")],
            [odd(b"accounts"), odd(b"remove"), odd(b"\xff"), odd(b"--json")],
            [odd(b"\xff"), odd(b"--json"), odd(b"--vault"), odd(b"env")],
        ] {
            let output = home.command(args).output().unwrap();
            assert_eq!(output.status.code(), Some(2), "{args:?}: {output:?}");
        }
        let folder = home.path("").join(odd(b"d\xe4ta"));
        let output = home.command([odd(b"token"), odd(b"list"), odd(b"--data-dir"), folder.as_os_str()]).output().unwrap();
        if cfg!(target_os = "linux") {
            assert!(output.status.success() && folder.join("tierline.db").exists(), "{output:?}");
        }
        let output = home.command([odd(b"models"), odd(b"scan"), home.path("").join(odd(b"\xff")).as_os_str()]).output().unwrap();
        ran(&output).failed(&["cannot be scanned"]);
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn who_waits_when_it_is_told_to_end_is_told_so_and_who_runs_may_finish() {
        let gate = Gate::shut();
        let opened = gate.clone();
        let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}".to_vec();
        let upstream = Scripted::start(move |_, _| vec![Step::Wait(gate.clone()), Step::Send(answer.clone())]).await;
        let home = home_at("anthropic", &format!("http://{}", upstream.addr));
        home.run("limits set --account work --concurrency 1").done();
        let serve = home.serve();
        let url = format!("{}/anthropic/v1/messages", serve.url());
        let ask = || {
            tokio::spawn({
                let url = url.clone();
                async move { post(&url, KEY, message()).await }
            })
        };
        let runs = ask();
        upstream.arrived(1).await;
        let wait = [ask(), ask(), ask()];
        until("three in the queue", || (home.run("status --json").json()["waiting"].as_array().unwrap().len() == 3).then_some(()));
        serve.terminate();
        for waiting in wait {
            let reply = waiting.await.unwrap();
            assert_eq!((reply.status, reply.header("x-tierline-refused-by")), (503, Some("gateway")), "{reply:?}");
            assert!(reply.text.contains("shutting down") && reply.text.contains("again"), "{reply:?}");
        }
        opened.open();
        assert_eq!(runs.await.unwrap().status, 200);
        serve.ended().done();
        let mut outcomes: Vec<String> = home.exported("requests").iter().map(|row| row["outcome"].to_string()).collect();
        outcomes.sort();
        assert_eq!(outcomes, [r#""ok""#, r#""refused_locally""#, r#""refused_locally""#, r#""refused_locally""#]);
        assert_eq!(upstream.seen().len(), 1);
    }
}
