//! The planner's arithmetic, and `tierline plan` as a script sees it.

#![expect(clippy::unwrap_used, clippy::panic, reason = "a helper that fails fails its test")]

use std::process::Command;

use serde_json::Value;
use tierline::domain::plan::{Cuts, FromCache, Sizes};
use tierline::domain::{Dialect, Dimension, Limit, LimitSource, ModelId, Window};
use tierline::planner::{Advice, Choice, Counting, Demand, Plan, Prices, plan};

fn choice(name: &str, limits: &[(Dimension, Window, u64)]) -> Choice {
    let limits = limits.iter().map(|(dimension, window, capacity)| Limit {
        dimension: *dimension,
        window: *window,
        capacity: *capacity,
        source: LimitSource::User,
    });
    Choice { name: name.into(), title: name.into(), limits: limits.collect() }
}

fn per_minute(name: &str, rpm: u64, itpm: u64, otpm: u64) -> Choice {
    let minute = Window::PER_MINUTE;
    choice(name, &[(Dimension::Requests, minute, rpm), (Dimension::InputTokens, minute, itpm), (Dimension::OutputTokens, minute, otpm)])
}

fn rate(requests_per_min: f64, input_tokens: u64, output_tokens: u64) -> Demand {
    Demand { requests_per_min: Some(requests_per_min), input_tokens, output_tokens, ..Demand::default() }
}

fn of(demand: &Demand, choices: &[Choice]) -> Plan {
    plan(demand, Counting::default(), choices, None, &Prices::default())
}

/// The example of the rate-limit guides: 100 requests a minute of 3,000 and 500 tokens at 2,000 RPM, 160,000 ITPM, 32,000 OTPM.
#[test]
fn requests_fit_and_both_token_limits_do_not() {
    let plan = of(&rate(100.0, 3_000, 500), &[per_minute("guide", 2_000, 160_000, 32_000)]);
    let fit = &plan.fits[0];
    let judged: Vec<(&str, f64, bool, String)> = fit
        .limits
        .iter()
        .map(|check| (check.meter.as_str(), check.need.unwrap(), check.fits, format!("{:.0}", check.headroom_percent.unwrap())))
        .collect();
    assert_eq!(
        judged,
        [("RPM", 100.0, true, "95".to_owned()), ("ITPM", 300_000.0, false, "-88".to_owned()), ("OTPM", 50_000.0, false, "-56".to_owned())]
    );
    assert!(!fit.fits);
    assert_eq!(fit.binding.as_deref(), Some("ITPM"));
    assert_eq!(fit.most_requests_per_min, Some(160_000.0 / 3_000.0));
    // 160,000 / 3,000 and 32,000 / 500
    let most: Vec<f64> = fit.limits.iter().map(|check| check.most_requests_per_min.unwrap()).collect();
    assert_eq!((most[0], most[1].floor(), most[2]), (2_000.0, 53.0, 64.0));
    assert_eq!(fit.longest_prompt, None, "no prompt is short enough while the answers alone are too much");
    // 160,000 / 100 and 32,000 / 100
    let sizes = Sizes { input_tokens: 1_600, output_tokens: 320 };
    let advice = [
        Advice::ShorterBoth { choice: "guide".into(), sizes },
        Advice::FewerRequests { choice: "guide".into(), requests_per_min: 160_000.0 / 3_000.0 },
    ];
    assert_eq!(plan.advice, advice);
    let guide = [per_minute("guide", 2_000, 160_000, 32_000)];
    for (input_tokens, output_tokens, fits) in [(1_600, 320, true), (1_601, 320, false), (1_600, 321, false)] {
        assert_eq!(of(&rate(100.0, input_tokens, output_tokens), &guide).fits[0].fits, fits, "{input_tokens} and {output_tokens}");
    }
}

/// Each change that is named is enough, and a little less of it is not.
#[test]
fn the_least_cut_is_named_for_what_does_not_fit() {
    let guide = |tpm| {
        let mut guide = per_minute("guide", 2_000, 160_000, 32_000);
        guide.limits.extend(choice("", &[(Dimension::Tokens, Window::PER_MINUTE, tpm)]).limits);
        [guide]
    };
    let uncounted = Counting { cached_input: false, ..Counting::default() };
    let from_cache = |cached_share, output_tokens| Some(FromCache { cached_share, output_tokens });
    let both = |input_tokens, output_tokens| Some(Sizes { input_tokens, output_tokens });
    let cuts = Cuts::default();
    for (demand, counting, tpm, expect) in [
        // prompts alone: 160,000 / 100
        (rate(100.0, 3_000, 300), Counting::default(), 1_000_000, Cuts { prompt: Some(1_600), ..cuts }),
        // answers alone: 32,000 / 100; prompts could not help
        (rate(100.0, 1_000, 500), Counting::default(), 1_000_000, Cuts { answer: Some(320), ..cuts }),
        // 1 - 1,600 / 3,000 is 46.67 %
        (rate(100.0, 3_000, 300), uncounted, 1_000_000, Cuts { prompt: Some(1_600), from_cache: from_cache(0.47, None), ..cuts }),
        (rate(100.0, 3_000, 500), uncounted, 1_000_000, Cuts { both: both(1_600, 320), from_cache: from_cache(0.47, Some(320)), ..cuts }),
        // half of it cached leaves 1,500 of 3,000 to be counted: room for 3,200
        (
            Demand { cached_share: 0.5, ..rate(100.0, 4_000, 300) },
            uncounted,
            1_000_000,
            Cuts { prompt: Some(3_200), from_cache: from_cache(0.6, None), ..cuts },
        ),
        // one limit on both: 150,000 / 100 is 1,500 for 1,400 and 300
        (rate(100.0, 1_400, 300), Counting::default(), 150_000, Cuts { prompt: Some(1_200), answer: Some(100), ..cuts }),
        // rarer than a window: each still has to fit
        (rate(0.1, 200_000, 300), Counting::default(), 1_000_000, Cuts { prompt: Some(160_000), ..cuts }),
        // too many requests: no size helps
        (rate(3_000.0, 10, 5), Counting::default(), 1_000_000, cuts),
    ] {
        let found = plan(&demand, counting, &guide(tpm), None, &Prices::default()).fits[0].cuts;
        assert_eq!(found, expect, "{demand:?} {counting:?} TPM {tpm}");
    }
}

#[test]
fn the_least_change_is_named() {
    let tiers =
        [per_minute("low", 2_000, 160_000, 64_000), per_minute("mid", 2_000, 200_000, 64_000), per_minute("high", 4_000, 800_000, 160_000)];
    let plan = of(&rate(100.0, 3_000, 500), &tiers);
    assert_eq!(
        plan.advice,
        [
            Advice::ShorterPrompt { choice: "low".into(), input_tokens: 1_600, fewer: 1_400 },
            Advice::FewerRequests { choice: "low".into(), requests_per_min: 160_000.0 / 3_000.0 },
            Advice::HigherTier { choice: "high".into() },
        ]
    );
    let cut = of(&rate(100.0, 1_600, 500), &tiers);
    assert!(cut.fits[0].fits && cut.advice.is_empty(), "what is advised really fits");
    let one_more = of(&rate(100.0, 1_601, 500), &tiers);
    assert!(!one_more.fits[0].fits);
}

#[test]
fn workers_follow_littles_law() {
    let plan = of(&Demand { latency_secs: Some(6.0), ..rate(100.0, 100, 100) }, &[per_minute("t", 600, 160_000, 32_000)]);
    assert_eq!(plan.workers, Some(10.0));
    let fit = &plan.fits[0];
    assert_eq!((fit.binding.as_deref(), fit.most_requests_per_min, fit.workers_at_most), (Some("OTPM"), Some(320.0), Some(32.0)));
}

#[test]
fn places_at_once_bind_by_latency() {
    let limits = [choice("deepseek-like", &[(Dimension::Concurrent, Window::AT_ONCE, 10)])];
    for (latency_secs, fits) in [(5.0, true), (6.0, true), (6.1, false)] {
        let plan = of(&Demand { latency_secs: Some(latency_secs), ..rate(100.0, 1, 1) }, &limits);
        assert_eq!(plan.fits[0].fits, fits, "{latency_secs}");
    }
    let unknown = of(&rate(100.0, 1, 1), &limits);
    assert!(unknown.fits[0].limits.is_empty(), "without a latency nothing is claimed");
}

#[test]
fn cached_input_counts_where_the_provider_counts_it() {
    let demand = Demand { cached_share: 0.5, ..rate(100.0, 3_000, 100) };
    for (dialect, model, need) in [(Dialect::Anthropic, "claude-sonnet-5-5", 150_000.0), (Dialect::OpenAi, "gpt-6-sol", 300_000.0)] {
        let counting = Counting::of(dialect, &ModelId::new(model));
        let plan = plan(&demand, counting, &[per_minute("t", 2_000, 160_000, 32_000)], None, &Prices::default());
        assert_eq!(plan.fits[0].limits[1].need, Some(need), "{model}");
    }
    let gemini = Counting::of(Dialect::Gemini, &ModelId::new("gemini-3.8-flash"));
    assert!(!gemini.output_in_tokens, "TPM is on input there");
}

#[test]
fn a_batch_takes_as_long_as_its_tightest_limit() {
    let rows = |rows, latency_secs| Demand { rows: Some(rows), input_tokens: 1_000, output_tokens: 100, latency_secs, ..Demand::default() };
    let day = Window::PACIFIC_DAY;
    for (name, limits, demand, least, expected) in [
        // 1,000 minutes' worth of tokens, one of them there at the start
        ("tokens", per_minute("t", 1_000, 10_000, 10_000), rows(10_000, None), 59_940.0, 62_437.5),
        ("one burst", per_minute("t", 1_000, 100_000, 100_000), rows(50, Some(2.0)), 2.0, 2.0),
        ("days", choice("d", &[(Dimension::Requests, day, 1_000)]), rows(2_500, None), 172_800.0, 172_800.0),
        ("places", choice("c", &[(Dimension::Concurrent, Window::AT_ONCE, 10)]), rows(960, Some(10.0)), 970.0, 1_010.0),
    ] {
        let time = of(&demand, &[limits]).fits[0].batch.unwrap();
        assert!((time.least_secs - least).abs() < 0.01 && (time.expected_secs - expected).abs() < 0.01, "{name}: {time:?}");
    }
}

#[test]
fn a_request_that_no_bucket_holds_does_not_fit_at_any_rate() {
    let demand = Demand { rows: Some(1), input_tokens: 11_000, ..Demand::default() };
    let plan = of(&demand, &[per_minute("t", 10, 10_000, 10)]);
    assert!(!plan.fits[0].fits);
    assert_eq!(plan.fits[0].batch, None);
}

#[test]
fn costs_are_for_the_batch_or_for_an_hour() {
    let prices = Prices { now_nanos: Some(10_000), batch_api_nanos: Some(5_000), cached_nanos: None };
    let limits = [per_minute("t", 10, 10, 10)];
    for (demand, now) in [(Demand { rows: Some(7), ..Demand::default() }, 70_000), (rate(2.0, 1, 1), 1_200_000)] {
        let whole = plan(&demand, Counting::default(), &limits, None, &prices).whole;
        assert_eq!((whole.now_nanos, whole.batch_api_nanos, whole.cached_nanos), (Some(now), Some(now / 2), None));
    }
}

fn tierline(args: &[&str]) -> Result<Value, String> {
    let output = Command::new(env!("CARGO_BIN_EXE_tierline")).args(["plan", "--json"]).args(args).output().unwrap();
    if output.status.success() {
        return Ok(serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {output:?}")));
    }
    Err(String::from_utf8(output.stderr).unwrap())
}

#[test]
fn the_command_answers_in_json() {
    let given = ["--rpm", "2000", "--itpm", "160000", "--otpm", "32000"];
    let load = ["--provider", "anthropic", "--model", "claude-haiku-4-5", "--requests-per-min", "100"];
    let sizes = ["--input-tokens", "3000", "--output-tokens", "500"];
    let answer = tierline(&[&load[..], &sizes, &given].concat()).unwrap();
    let plan = &answer[0]["plan"];
    assert_eq!(plan["fits"][0]["binding"], "ITPM");
    assert_eq!(plan["fits"][0]["limits"][0]["fits"], true);
    // 3,000 at $1 and 500 at $5 a million
    assert_eq!(plan["each"]["now_nanos"], 5_500_000);
    assert_eq!(plan["each"]["batch_api_nanos"], 2_750_000);

    let tiers = tierline(&[&load[..], &sizes].concat()).unwrap();
    let names: Vec<&str> = tiers[0]["plan"]["fits"].as_array().unwrap().iter().map(|fit| fit["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["start", "build", "scale"]);

    // by either of its names
    for tier in ["build", "Build"] {
        let answer = tierline(&[&load[..], &sizes, &["--tier", tier]].concat()).unwrap();
        assert_eq!(answer[0]["current"], "build", "{tier}");
    }
    let refused = tierline(&[&load[..], &sizes, &["--tier", "platinum"]].concat()).unwrap_err();
    assert!(refused.contains("no tier \"platinum\"; there are "), "{refused}");
}

#[test]
fn a_file_is_planned_by_what_is_in_it() {
    let temp = tempfile::tempdir().unwrap();
    let file = temp.path().join("in.jsonl");
    let row = |id: u32| {
        let prompt = "word ".repeat(800);
        format!(
            r#"{{"custom_id":"r{id}","params":{{"model":"claude-haiku-4-5","max_tokens":200,"messages":[{{"role":"user","content":"{prompt}"}}]}}}}"#
        )
    };
    std::fs::write(&file, (0..50).map(row).collect::<Vec<_>>().join("\n")).unwrap();
    let answer = tierline(&["--provider", "anthropic", "--file", file.to_str().unwrap()]).unwrap();
    let demand = &answer[0]["plan"]["demand"];
    assert_eq!((&demand["rows"], &demand["input_tokens"], &demand["output_tokens"]), (&50.into(), &1_000.into(), &200.into()));
    assert_eq!(answer[0]["plan"]["fits"][0]["batch"]["expected_secs"], 0.0, "what is there at once is enough");
}
