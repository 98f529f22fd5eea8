//! `tierline accounts import-limits`, `import-usage` and `usage`: what an admin API says, at a provider that answers by a script.

use serde_json::{Value, json};

use crate::ask::{message, post};
use crate::home::{Home, until};
use crate::scripted::{Scripted, Seen, Step};

const LIMITS: &str = r#"{"data":[{"group_type":"model_group","models":["claude-sonnet-5-5"],"limits":[{"type":"requests_per_minute","value":777},{"type":"input_tokens_per_minute","value":888000}]},{"group_type":"batch","models":null,"limits":[{"type":"enqueued_batch_requests","value":500000}]}],"next_page":null}"#;
const ANSWER: &str =
    r#"{"model":"claude-sonnet-5-5","content":[],"usage":{"input_tokens":100,"cache_read_input_tokens":40,"output_tokens":10}}"#;

fn said(status: &str, headers: &str, body: &str) -> Vec<Step> {
    let length = body.len();
    let head = format!("HTTP/1.1 {status}\r\ncontent-type: application/json\r\n{headers}content-length: {length}\r\n\r\n");
    vec![Step::Send(format!("{head}{body}").into_bytes())]
}

/// An organisation's provider: messages, its admin API, and nothing else.
async fn provider() -> Scripted {
    Scripted::start(|_, seen| {
        let organization = "anthropic-organization-id: org-1\r\nanthropic-ratelimit-output-tokens-limit: 80000\r\n";
        let line = seen.line();
        if line.starts_with("POST /v1/messages ") {
            return said("200 OK", organization, ANSWER);
        }
        if seen.header("x-api-key") != Some("sk-ant-admin01-test") {
            return said(
                "401 Unauthorized",
                "",
                r#"{"type":"error","error":{"type":"authentication_error","message":"invalid x-api-key"}}"#,
            );
        }
        said("200 OK", organization, &admin(seen))
    })
    .await
}

fn admin(seen: &Seen) -> String {
    let line = seen.line();
    // the day that was asked about last is today
    let day = line.split("ending_at=").nth(1).and_then(|rest| rest.get(..10)).unwrap_or_default();
    let yesterday = day.parse::<jiff::civil::Date>().map_or_else(|_| String::new(), |day| day.yesterday().unwrap().to_string());
    let row = |input: u64, workspace: Value| {
        json!({"model": "claude-sonnet-5-5", "workspace_id": workspace, "uncached_input_tokens": input, "cache_read_input_tokens": 40,
            "cache_creation": {"ephemeral_5m_input_tokens": 0, "ephemeral_1h_input_tokens": 0}, "output_tokens": 10})
    };
    let results = match () {
        () if line.contains("/usage_report/messages") => json!([row(100, Value::Null), row(900, json!("wrkspc_2"))]),
        () if line.contains("/cost_report") => {
            json!([{"amount": "123.5", "currency": "USD", "description": "input", "workspace_id": "wrkspc_2"}])
        }
        () if line.contains("/workspaces/") => return LIMITS.replace("888000", "1000"),
        () => return LIMITS.to_owned(),
    };
    json!({"data": [{"starting_at": format!("{yesterday}T00:00:00Z"), "results": results}], "has_more": false, "next_page": null})
        .to_string()
}

fn home(provider: &Scripted, labels: &[&str]) -> Home {
    let mut home = Home::with(&[("ADMIN_KEY", "sk-ant-admin01-test")]);
    for label in labels {
        let variable = format!("KEY_{label}");
        home.set(&variable, &format!("sk-ant-test-{label}"));
        home.add_account("anthropic", label, &format!("http://{}", provider.addr), &variable);
    }
    home
}

fn bucket(home: &Home, meter: &str) -> Value {
    let status = home.run("status --json").json();
    status["buckets"].as_array().unwrap().iter().find(|bucket| bucket["meter"] == meter).cloned().unwrap_or_default()
}

#[tokio::test(flavor = "multi_thread")]
async fn configured_limits_reach_buckets_that_are_open_and_every_account_of_the_organization() {
    let provider = provider().await;
    let home = home(&provider, &["work", "second", "third"]);
    let serve = home.serve();
    let url = format!("{}/anthropic/v1/messages", serve.url());
    for label in ["work", "second"] {
        assert_eq!(post(&url, &format!("sk-ant-test-{label}"), message()).await.status, 200);
    }
    until("whose accounts they are", || (home.exported("snapshots").len() == 2).then_some(()));
    assert_ne!(bucket(&home, "RPM")["limit"], json!(777), "the catalogue's number holds so far");

    let import = "accounts import-limits --account work --admin-key-env ADMIN_KEY";
    let found = home.run(&format!("{import} --json")).json();
    assert_eq!(
        [&found["organization"], &found["applies_to"], &found["unknown"], &found["others"]],
        [&json!("org-1"), &json!(["work", "second"]), &json!(["third"]), &json!(["batch: enqueued_batch_requests 500000"])]
    );
    for (meter, limit) in [("RPM", 777), ("ITPM", 888_000)] {
        let bucket = bucket(&home, meter);
        assert_eq!(
            [&bucket["limit"], &bucket["source"], &bucket["accounts"]],
            [&json!(limit), &json!("admin"), &json!(["work", "second"])]
        );
    }
    let listed = home.run("limits list --json").json();
    assert!(listed.as_array().unwrap().iter().all(|row| row["source"] == "admin" && row["account"] == "work"), "{listed}");

    // a workspace of its own cannot be told apart from its organisation's while others share the buckets
    let text = home.run(&format!("{import} --workspace wrkspc_2")).done();
    assert!(text.contains("wrkspc_2: ITPM of ") && text.contains(" 1000 (not applied: other accounts may share its buckets)"), "{text}");
    assert!(text.contains("they hold for work, second") && text.contains("whether they hold for third"), "{text}");
    serve.stop().done();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_workspace_of_the_only_account_lowers_its_limits() {
    let provider = provider().await;
    let home = home(&provider, &["work"]);
    let found = home.run("accounts import-limits --account work --workspace wrkspc_2 --admin-key-env ADMIN_KEY --json").json();
    let limits: Vec<&Value> = found["limits"].as_array().unwrap().iter().map(|limit| &limit["limit"]).collect();
    assert_eq!(limits, [&json!(777), &json!(1000)]);
    assert!(provider.seen()[1].line().starts_with("GET /v1/organizations/workspaces/wrkspc_2/rate_limits "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_report_is_held_against_what_was_recorded() {
    let provider = provider().await;
    let home = home(&provider, &["work", "second"]);
    let serve = home.serve();
    assert_eq!(post(&format!("{}/anthropic/v1/messages", serve.url()), "sk-ant-test-work", message()).await.status, 200);
    until("the record", || (home.exported("requests").len() == 1).then_some(()));
    home.run("accounts usage --account work").failed(&["nothing was imported", "import-usage"]);

    let import = "accounts import-usage --account work --admin-key-env ADMIN_KEY --days 3";
    let found = home.run(&format!("{import} --json")).json();
    assert_eq!([&found["organization"], &found["accounts"], &found["unknown"]], [&json!("org-1"), &json!(["work"]), &json!(["second"])]);
    assert_eq!(
        found["reported"],
        json!({"requests": null, "input": 1000, "cache_read": 80, "cache_write": 0, "output": 20, "tokens": 1100, "cost_nanos": 1_235_000_000})
    );
    let recorded = &found["recorded"];
    assert_eq!(
        ["requests", "input", "cache_read", "output", "tokens", "without_usage", "without_price"].map(|field| recorded[field].clone()),
        [1, 100, 40, 10, 150, 0, 0].map(|number| json!(number))
    );
    assert!(recorded["cost_nanos"].as_u64().unwrap() > 0, "{recorded}");
    let row = &found["rows"][0];
    assert_eq!((found["rows"].as_array().unwrap().len(), &row["model"]), (1, &json!("claude-sonnet-5-5")), "{found}");
    assert_eq!((&row["reported"]["tokens"], &row["recorded"]["tokens"]), (&json!(1100), &json!(150)));

    let part = home.run(&format!("{import} --workspace wrkspc_2")).done();
    assert!(part.contains("anthropic says 950 tokens and $1.235 for wrkspc_2"), "{part}");
    let kept = home.run("accounts usage --account work --days 3 --json").json();
    assert_eq!(kept["reported"], found["reported"], "the whole report is kept");
    let text = home.run("accounts usage --account work --days 3").done();
    assert!(text.contains("anthropic says 1100 tokens and $1.235 for org-1") && text.contains("Tierline recorded 150 tokens"), "{text}");
    serve.stop().done();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_admin_key_cannot_do_is_said() {
    let provider = provider().await;
    let mut home = home(&provider, &["work"]);
    home.set("DEEP_KEY", "sk-deep");
    home.add_account("deepseek", "deep", "http://127.0.0.1:9", "DEEP_KEY");
    for command in ["import-limits", "import-usage"] {
        home.fed(&format!("accounts {command} --account work --admin-key-stdin"), "sk-ant-ordinary")
            .failed(&["answered 401", "use an admin key"]);
        home.run(&format!("accounts {command} --account deep --admin-key-env ADMIN_KEY")).failed(&["only Anthropic and OpenAI have"]);
        home.run(&format!("accounts {command} --account nobody --admin-key-env ADMIN_KEY")).failed(&["nobody"]);
    }
}

/// OpenAI's admin API beside one endpoint that says whose the key is.
async fn openai() -> Scripted {
    Scripted::start(|_, seen| {
        let line = seen.line();
        if line.starts_with("POST ") {
            let body = r#"{"model":"gpt-6-luna","choices":[],"usage":{"prompt_tokens":30,"completion_tokens":5,"total_tokens":35}}"#;
            return said("200 OK", "openai-project: proj_1\r\nx-ratelimit-limit-tokens: 500000\r\n", body);
        }
        if line.contains("/rate_limits") {
            return said("200 OK", "", r#"{"data":[{"model":"gpt-6-luna","max_requests_per_1_minute":500,"max_tokens_per_1_minute":400000,"max_requests_per_1_day":9000}],"has_more":false}"#);
        }
        let start: u64 = line.split("start_time=").nth(1).and_then(|rest| rest.split('&').next()).and_then(|text| text.parse().ok()).unwrap();
        let results = match () {
            () if line.contains("/usage/completions") => json!([
                {"input_tokens": 1000, "input_cached_tokens": 400, "output_tokens": 70, "num_model_requests": 5, "model": "gpt-6-luna", "project_id": "proj_1"},
                {"input_tokens": 10, "output_tokens": 1, "num_model_requests": 1, "model": "gpt-6-luna", "project_id": "proj_2"},
            ]),
            () if line.contains("/usage/embeddings") => {
                json!([{"input_tokens": 8, "num_model_requests": 2, "model": "text-embedding-3-small", "project_id": "proj_1"}])
            }
            () if line.contains("/costs") => json!([{"amount": {"value": 0.06, "currency": "usd"}, "line_item": "gpt-6-luna", "project_id": "proj_1"}]),
            () => json!([]),
        };
        let page = json!({"object": "page", "data": [{"start_time": start, "results": results}], "has_more": false, "next_page": null});
        said("200 OK", "", &page.to_string())
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn openai_limits_are_a_projects_and_reports_an_organizations() {
    let provider = openai().await;
    let mut home = Home::with(&[("ADMIN_KEY", "sk-admin-test"), ("KEY", "sk-test")]);
    home.set("OTHER_KEY", "sk-other");
    home.add_account("openai", "work", &format!("http://{}", provider.addr), "KEY");
    home.add_account("openai", "other", &format!("http://{}", provider.addr), "OTHER_KEY");
    let serve = home.serve();
    let body = json!({"model": "gpt-6-luna", "messages": []}).to_string();
    assert_eq!(post(&format!("{}/openai/v1/chat/completions", serve.url()), "sk-test", body).await.status, 200);
    until("the record", || (home.exported("requests").len() == 1).then_some(()));

    let import = "accounts import-limits --account work --admin-key-env ADMIN_KEY --project";
    home.run(&format!("{import} proj_2")).failed(&["work belongs to proj_1"]);
    let found = home.run(&format!("{import} proj_1 --json")).json();
    assert_eq!([&found["applies_to"], &found["unknown"]], [&json!(["work"]), &json!(["other"])]);
    // what the answer said of tokens stays; what it did not say is known now
    assert_eq!([&bucket(&home, "TPM")["limit"], &bucket(&home, "TPM")["source"]], [&json!(500_000), &json!("header")]);
    for (meter, limit) in [("RPM", 500), ("RPD", 9_000)] {
        assert_eq!([&bucket(&home, meter)["limit"], &bucket(&home, meter)["source"]], [&json!(limit), &json!("admin")], "{meter}");
    }

    let usage = "accounts import-usage --account work --admin-key-env ADMIN_KEY --days 1";
    let all = home.run(&format!("{usage} --json")).json();
    assert_eq!(
        all["reported"],
        json!({"requests": 8, "input": 618, "cache_read": 400, "cache_write": 0, "output": 71, "tokens": 1089, "cost_nanos": 60_000_000})
    );
    assert_eq!([&all["recorded"]["tokens"], &all["recorded"]["requests"], &all["accounts"]], [&json!(35), &json!(1), &json!(["work"])]);
    let row = all["rows"].as_array().unwrap().iter().find(|row| row["model"] == "gpt-6-luna").unwrap();
    assert_eq!([&row["reported"]["tokens"], &row["recorded"]["tokens"]], [&json!(1081), &json!(35)]);
    let part = home.run(&format!("{usage} --project proj_2 --json"));
    assert!(part.err.contains("work belongs to proj_1"), "{part:?}");
    serve.stop().done();
}
