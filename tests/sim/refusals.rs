//! Who is refused, in which words, with which numbers; and that nobody else is.

use serde_json::{Value, json};
use tierline::sim::{Charge, Fault, Faults, Key, Limits, SimConfig, SimProvider};

use crate::client::{
    CHAT, GENERATE, KEY, MESSAGES, ORG, call_of, chat, client, config, generate, message, post, request, send, start, stats_when, with,
};

/// OpenAI: the numbers agree with each other whatever time has passed between the requests.
#[tokio::test]
async fn openais_arithmetic_is_exact() {
    for (limits, sizes, limiter, window_ms) in [
        (Limits { tpm: Some(30_000), ..Limits::default() }, vec![22_999, 12_528], "tokens per min (TPM): Limit 30000", 60_000),
        (Limits { rpm: Some(3), ..Limits::default() }, vec![9; 4], "requests per min (RPM): Limit 3", 60_000),
        (Limits { rpd: Some(2), ..Limits::default() }, vec![9; 3], "requests per day (RPD): Limit 2", 86_400_000),
    ] {
        let charge = Charge::CharsOver4PlusReserve(0);
        let sim = start(SimConfig { limits, charge, ..config(SimProvider::OpenAi) }).await;
        let (last, first) = sizes.split_last().unwrap();
        for tokens in first {
            assert_eq!(post(&sim, CHAT, &chat(&"abcd".repeat(*tokens))).await.status, 200);
        }
        let refusal = post(&sim, CHAT, &chat(&"abcd".repeat(*last))).await;
        assert_eq!(refusal.status, 429);
        let error = &refusal.json()["error"];
        assert_eq!(error["code"], "rate_limit_exceeded");
        assert_eq!(error["type"], if limiter.starts_with("tokens") { "tokens" } else { "requests" });
        let said = error["message"].as_str().unwrap();
        let number = |before: &str| -> u64 {
            let rest = said.split_once(before).unwrap().1;
            rest.split(|c: char| !c.is_ascii_digit()).next().unwrap().parse().unwrap()
        };
        let (limit, used, requested) = (number("Limit "), number("Used "), number("Requested "));
        let wait_text = said.split_once("try again in ").unwrap().1.split_once(". Visit").unwrap().0;
        let wait_ms = wait_text.parse::<jiff::SignedDuration>().unwrap().as_millis();
        let whole = format!(
            "Rate limit reached for gpt-5.1 in organization {ORG} on {limiter}, Used {used}, Requested {requested}. Please try again in \
             {wait_text}. Visit https://platform.openai.com/account/rate-limits to learn more."
        );
        assert_eq!(said, whole);
        let exact_ms = ((used + requested - limit) * window_ms).div_ceil(limit);
        assert_eq!(wait_ms, i128::from(exact_ms), "{said}");
        assert_eq!(refusal.header("retry-after"), exact_ms.div_ceil(1_000).to_string());
        assert_eq!(sim.stats().refused_total(), 1);
    }
}

#[tokio::test]
async fn what_can_never_fit_is_told_so() {
    let limits = Limits { tpm: Some(30_000), ..Limits::default() };
    let sim = start(SimConfig { limits, charge: Charge::CharsOver4PlusReserve(0), ..config(SimProvider::OpenAi) }).await;
    let refusal = post(&sim, CHAT, &chat(&"abcd".repeat(30_601))).await;
    let said = format!(
        "Request too large for gpt-5.1 in organization {ORG} on tokens per min (TPM): Limit 30000, Requested 30601. The input or output \
         tokens must be reduced in order to run successfully. Visit https://platform.openai.com/account/rate-limits to learn more."
    );
    let error = json!({"message": said, "type": "tokens", "param": null, "code": "rate_limit_exceeded"});
    assert_eq!((refusal.status, refusal.header("retry-after"), refusal.json()), (429, "-", json!({"error": error})));
    assert_eq!(refusal.header("x-ratelimit-remaining-tokens"), "30000", "it took nothing");
}

#[tokio::test]
async fn anthropics_name_the_limit_the_organization_and_the_model() {
    for (limits, sizes, limiter) in [
        (Limits { itpm: Some(30_000), ..Limits::default() }, vec![20_000, 25_000], "30,000 input tokens per minute"),
        (Limits { otpm: Some(15), ..Limits::default() }, vec![9, 9], "15 output tokens per minute"),
        (Limits { rpm: Some(2), ..Limits::default() }, vec![9, 9, 9], "2 requests per minute"),
    ] {
        let sim = start(SimConfig { limits, ..config(SimProvider::Anthropic) }).await;
        let (last, first) = sizes.split_last().unwrap();
        for tokens in first {
            assert_eq!(post(&sim, MESSAGES, &message(&"abcd".repeat(*tokens))).await.status, 200);
        }
        let refusal = post(&sim, MESSAGES, &message(&"abcd".repeat(*last))).await;
        let said = format!(
            "This request would exceed your organization's rate limit of {limiter} (org: {ORG}, model: claude-sonnet-5-5). For details, \
             refer to: https://docs.claude.com/en/api/rate-limits. You can see the response headers for current usage. Please reduce the \
             prompt length or the maximum tokens requested, or try again later. You may also contact sales at \
             https://claude.com/contact-sales to discuss your options for a rate limit increase."
        );
        let body = refusal.json();
        assert_eq!((refusal.status, &body["type"]), (429, &json!("error")));
        assert_eq!(body["error"], json!({"type": "rate_limit_error", "message": said}));
        assert_eq!(body["request_id"], refusal.header("request-id"));
        let seconds: u64 = refusal.header("retry-after").parse().unwrap();
        assert!((1..=60).contains(&seconds), "{seconds}");
    }
}

#[tokio::test]
async fn anthropics_openai_path_draws_on_the_same_buckets_and_refuses_in_its_own_shape() {
    let limits = Limits { rpm: Some(2), itpm: Some(10_000), otpm: Some(2_000), ..Limits::default() };
    let sim = start(SimConfig { limits, ..config(SimProvider::Anthropic) }).await;
    assert_eq!(post(&sim, MESSAGES, &message("hello")).await.status, 200);
    let body = with(chat("hello"), "model", "claude-sonnet-5-5");
    let good = post(&sim, CHAT, &body).await;
    assert_eq!((good.header("x-ratelimit-limit-tokens"), good.header("x-ratelimit-remaining-requests")), ("12000", "0"));
    assert_eq!(good.header("anthropic-ratelimit-requests-limit"), "-");
    let refusal = post(&sim, CHAT, &body).await;
    let error = &refusal.json()["error"];
    assert_eq!((refusal.status, &error["code"], &error["type"]), (429, &json!("rate_limit_error"), &json!("invalid_request_error")));
}

#[tokio::test]
async fn geminis_say_everything_in_the_body() {
    let free = |what: &str| format!("Generate{what}-FreeTier");
    for (limits, calls, id, limit) in [
        (Limits { rpm: Some(1), ..Limits::default() }, 2, free("RequestsPerMinutePerProjectPerModel"), 1),
        (Limits { rpd: Some(1), ..Limits::default() }, 2, free("RequestsPerDayPerProjectPerModel"), 1),
        (Limits { tpm: Some(4), ..Limits::default() }, 1, free("ContentInputTokensPerModelPerMinute"), 4),
        (Limits { rpd: Some(0), ..Limits::default() }, 1, free("RequestsPerDayPerProjectPerModel"), 0),
    ] {
        let sim = start(SimConfig { limits, ..config(SimProvider::Gemini) }).await;
        for _ in 1..calls {
            assert_eq!(post(&sim, GENERATE, &generate("hello")).await.status, 200);
        }
        let refusal = post(&sim, GENERATE, &generate("hello")).await;
        assert_eq!((refusal.status, refusal.header("retry-after")), (429, "-"));
        let error = &refusal.json()["error"];
        assert_eq!((&error["status"], &error["code"]), (&json!("RESOURCE_EXHAUSTED"), &json!(429)));
        let detail = |kind: &str| {
            let kind = format!("type.googleapis.com/google.rpc.{kind}");
            error["details"].as_array().unwrap().iter().find(|detail| detail["@type"] == kind).unwrap().clone()
        };
        let violation = &detail("QuotaFailure")["violations"][0];
        let value = if limit == 0 { Value::Null } else { json!(limit.to_string()) };
        assert_eq!((&violation["quotaId"], &violation["quotaValue"]), (&json!(id), &value));
        assert_eq!(violation["quotaDimensions"], json!({"location": "global", "model": "gemini-3.8-flash"}));
        let delay: u64 = detail("RetryInfo")["retryDelay"].as_str().unwrap().trim_end_matches('s').parse().unwrap();
        assert!(if limits.rpd.is_some() { (23..=51).contains(&delay) } else { delay <= 60 }, "{delay}");
        let said = error["message"].as_str().unwrap();
        assert!(said.contains(&format!("limit: {limit}, model: gemini-3.8-flash\nPlease retry in ")), "{said}");
        // the compatible path wraps the same in a list
        let compatible = post(&sim, "/v1beta/openai/chat/completions", &with(chat("hello"), "model", "gemini-3.8-flash")).await;
        assert_eq!((compatible.status, &compatible.json()[0]["error"]["code"]), (429, &json!(429)));
    }
}

#[tokio::test]
async fn deepseek_counts_who_is_in_flight_and_lets_the_next_in_when_one_leaves() {
    let limits = Limits { concurrency: Some(1), ..Limits::default() };
    let sim = start(SimConfig { limits, faults: Faults::at(Fault::Hang, [1]), ..config(SimProvider::DeepSeek) }).await;
    let (path, body) = call_of(SimProvider::DeepSeek);
    let first = tokio::spawn(request(&sim, path, &body).send());
    stats_when(&sim, "one in flight", |stats| stats.in_flight == 1).await;
    let refusal = post(&sim, path, &body).await;
    let said = "Too many requests. Your current concurrency is 2, which exceeds your concurrency limit of 1 based on your remaining balance. \
                Please top up your balance to restore your concurrency.";
    let error = json!({"message": said, "type": "rate_limit_error", "param": null, "code": "invalid_request_error"});
    assert_eq!((refusal.status, refusal.header("retry-after"), refusal.json()), (429, "-", json!({"error": error})));
    first.abort();
    stats_when(&sim, "free again", |stats| stats.disconnects == 1 && stats.in_flight == 0).await;
    assert_eq!(post(&sim, path, &body).await.status, 200);
}

#[tokio::test]
async fn models_of_a_class_share_its_buckets_and_others_do_not() {
    let limits = Limits { rpm: Some(1), ..Limits::default() };
    let sim = start(SimConfig { limits, ..config(SimProvider::Anthropic) }).await;
    for (model, status) in [
        ("claude-sonnet-4-6", 200),
        ("claude-sonnet-4-5-20250929", 429),
        ("claude-sonnet-5-5", 200),
        ("claude-sonnet-5", 200),
        ("claude-opus-5", 200),
    ] {
        assert_eq!(post(&sim, MESSAGES, &with(message("hello"), "model", model)).await.status, status, "{model}");
    }
    let stats = sim.shutdown().await;
    assert_eq!((stats.admitted, stats.refused.get("rpm"), stats.models["claude-sonnet-4-6"].admitted), (4, Some(&1), 1));
}

#[tokio::test]
async fn as_many_are_admitted_as_burst_and_rate_allow_and_no_more() {
    let limits = Limits { rpm: Some(6_000), ..Limits::default() };
    let sim = start(SimConfig { limits, burst_seconds: Some(1), ..config(SimProvider::OpenAi) }).await;
    let (client, url, body) = (client(), format!("{}{CHAT}", sim.url()), chat("hello").to_string());
    let begin = tokio::time::Instant::now();
    let worker = || {
        let (client, url, body) = (client.clone(), url.clone(), body.clone());
        tokio::spawn(async move {
            let mut good = 0_u64;
            for _ in 0..60 {
                let answer = client.post(&url).bearer_auth(KEY).body(body.clone()).send().await.unwrap();
                good += u64::from(answer.status() == 200);
            }
            good
        })
    };
    let workers: Vec<_> = (0..16).map(|_| worker()).collect();
    let mut good = 0;
    for worker in workers {
        good += worker.await.unwrap();
    }
    // a second's worth at once, and one every ten milliseconds
    let most = 100 + u64::try_from(begin.elapsed().as_millis()).unwrap() / 10 + 1;
    let stats = sim.shutdown().await;
    assert!((100..=most).contains(&good), "{good} of at most {most}");
    assert_eq!((stats.requests, stats.admitted, stats.refused_total()), (960, good, 960 - good));
}

#[tokio::test]
async fn a_wrong_key_is_refused_in_the_providers_shape_and_never_repeated() {
    for (provider, status, said) in [
        (SimProvider::Anthropic, 401, "authentication_error"),
        (SimProvider::OpenAi, 401, "invalid_api_key"),
        (SimProvider::Gemini, 400, "API_KEY_INVALID"),
        (SimProvider::DeepSeek, 401, "Authentication Fails"),
    ] {
        for (accepted, status, said) in [(KEY, 200, ""), ("another-key", status, said)] {
            let sim = start(SimConfig { keys: vec![Key::from(accepted)], ..config(provider) }).await;
            let (path, body) = call_of(provider);
            let answer = post(&sim, path, &body).await;
            assert_eq!(answer.status, status, "{provider:?}");
            assert!(answer.text.contains(said) && !answer.text.contains(KEY), "{}", answer.text);
            assert_eq!(sim.stats().bad_keys, u64::from(status != 200));
        }
    }
    let sim = start(config(SimProvider::Gemini)).await;
    let twice = send(request(&sim, &format!("{GENERATE}?key=other"), &generate("hello"))).await;
    assert!(twice.status == 400 && twice.text.contains("Multiple authentication credentials"), "{}", twice.text);
    assert_eq!(format!("{:?}", Key::from(KEY)), "Key(..)");
}

#[tokio::test]
async fn bad_requests_are_told_what_is_wrong() {
    for (provider, path, body, said) in [
        (SimProvider::Anthropic, MESSAGES, json!({"model": "m", "messages": [{"content": "x"}]}), "max_tokens: Field required"),
        (SimProvider::Anthropic, MESSAGES, json!({"max_tokens": 1}), "model: Field required"),
        (SimProvider::Anthropic, MESSAGES, json!([1]), "not a JSON object"),
        (SimProvider::OpenAi, CHAT, json!({"messages": []}), "you must provide a model parameter"),
        (SimProvider::OpenAi, "/v1/responses", json!({"model": "m"}), "Missing required parameter: 'input'."),
        (SimProvider::Gemini, GENERATE, json!({}), "contents is not specified"),
    ] {
        let sim = start(config(provider)).await;
        let answer = post(&sim, path, &body).await;
        assert!(answer.status == 400 && answer.json()["error"]["message"].as_str().unwrap().contains(said), "{}", answer.text);
    }
    let sim = start(config(SimProvider::OpenAi)).await;
    assert_eq!(post(&sim, "/v1/dance", &json!({})).await.status, 404);
}
