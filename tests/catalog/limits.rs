//! Which bucket a model draws on, and what it may use there.

use jiff::civil::{Date, date};
use tierline::catalog::{Catalog, Usd};
use tierline::domain::dimension::Zone;
use tierline::domain::{Dialect, Dimension, Limit, LimitSource, Period, Provider, Refill, Window};

use super::{TODAY, brief, class, model, now};

#[test]
fn models_that_share_a_bucket_share_a_class() {
    let check = |provider: Dialect, id: &str, want: &str| {
        assert_eq!(Catalog::bundled().class_of(provider, &model(id)).as_str(), want, "{id}");
    };
    let anthropic = Dialect::Anthropic;
    check(anthropic, "claude-opus-4-8", "claude-opus-4.x");
    check(anthropic, "claude-opus-4-5-20251101", "claude-opus-4.x");
    check(anthropic, "claude-opus-5", "claude-opus-5");
    check(anthropic, "claude-opus-5-5", "claude-opus-5-5");
    check(anthropic, "claude-sonnet-4-5-20250929", "claude-sonnet-4.x");
    check(anthropic, "claude-haiku-4-5-20251001", "claude-haiku-4-5");
    check(anthropic, "claude-3-5-haiku-20241022", "claude-haiku-3-5");
    check(anthropic, "claude-fable-5", "claude-fable-5.x");
    check(anthropic, "claude-fable-5-2", "claude-fable-5-2"); // only presumed to share: not in the class
    check(anthropic, "claude-zeta-9", "claude-zeta-9");
    check(Dialect::OpenAi, "gpt-5.5-2026-04-23", "gpt-5.5");
    check(Dialect::OpenAi, "gpt-4o-mini-2024-07-18", "gpt-4o-mini");
    check(Dialect::Gemini, "gemini-embedding-001", "gemini-embedding-001");
    check(Dialect::DeepSeek, "deepseek-v4-flash", "deepseek-flash");
    check(Dialect::DeepSeek, "claude-opus-5", "deepseek-v4-pro"); // its Anthropic-compatible path
    check(Dialect::DeepSeek, "claude-haiku-4-5", "deepseek-flash");
    check(Dialect::OpenRouter, "qwen/qwen3-coder:free", ":free");
    check(Dialect::OpenAiCompatible, "claude-opus-4-8", "claude-opus-4-8");
}

#[test]
fn limits_follow_the_tier_and_the_day() {
    let check = |provider: Provider, class_name: &str, tier: &str, on: Date, want: &str| {
        assert_eq!(brief(&Catalog::bundled().limits(provider, &class(class_name), tier, on)), want, "{class_name} {tier} {on}");
    };
    let a = Provider::Anthropic;
    check(a, "claude-opus-4.x", "start", TODAY, "RPM 1000, ITPM 2000000, OTPM 400000");
    check(a, "claude-fable-5.x", "scale", TODAY, "RPM 4000, ITPM 4000000, OTPM 800000");
    check(a, "claude-opus-4.x", "tier-1", TODAY, "");
    // the day on which the ladder was replaced
    check(a, "claude-opus-4.x", "tier-1", date(2026, 6, 25), "RPM 50, ITPM 30000, OTPM 8000");
    check(a, "claude-opus-4.x", "start", date(2026, 6, 25), "");
    check(a, "claude-opus-4.x", "tier-1", date(2026, 6, 26), "");
    check(a, "claude-opus-4.x", "start", date(2026, 6, 26), "RPM 1000, ITPM 2000000, OTPM 400000");
    check(a, "claude-haiku-5-5", "start", TODAY, ""); // unknown
    check(Provider::OpenAi, "gpt-5.5", "tier-5", TODAY, "RPM 15000, TPM 40000000");
    check(Provider::OpenAi, "gpt-6-luna", "tier-4", TODAY, "RPM 10000, TPM 10000000");
    check(Provider::OpenAi, "gpt-image-2", "tier-2", TODAY, "TPM 250000, IPM 20");
    check(Provider::OpenAi, "gpt-6.1-sol", "tier-1", TODAY, ""); // unknown
    check(Provider::Gemini, "gemini-3.5-flash", "free", TODAY, "RPM 10, RPD 20, ITPM 250000");
    check(Provider::Gemini, "gemini-4-argon", "free", TODAY, "RPM 0, RPD 0, ITPM 0");
}

#[test]
fn what_is_assumed_before_any_header_is_the_entry_tier_and_never_a_guess() {
    let check = |provider: Dialect, class_name: &str, want: &str| {
        assert_eq!(brief(&Catalog::bundled().default_limits(provider, &class(class_name), TODAY)), want, "{class_name}");
    };
    check(Dialect::Anthropic, "claude-haiku-4-5", "RPM 1000, ITPM 2000000, OTPM 400000");
    check(Dialect::OpenAi, "gpt-5.6-luna", "RPM 500, TPM 500000");
    check(Dialect::Gemini, "gemini-3.5-flash", "");
    check(Dialect::Gemini, "gemini-3.8-flash", "");
    check(Dialect::DeepSeek, "deepseek-flash", "concurrency 2500");
    check(Dialect::DeepSeek, "deepseek-v4-pro", "concurrency 500");
    check(Dialect::OpenRouter, ":free", "RPM 20");
    check(Dialect::OpenAiCompatible, "llama", "");
    let limit = Catalog::bundled().default_limits(Provider::DeepSeek, &class("deepseek-flash"), TODAY)[0];
    assert_eq!(limit.source, LimitSource::Catalog { as_of: date(2026, 11, 15) });
    assert_eq!(limit.window, Window::AT_ONCE);
}

#[test]
fn a_day_ends_where_the_provider_says() {
    let check = |provider: Dialect, class_name: &str, tier: &str, want: Refill| {
        let limits = Catalog::bundled().limits(provider, &class(class_name), tier, TODAY);
        let day = limits.iter().find(|limit| limit.window.period == Period::DAY).unwrap();
        assert_eq!(day.window.refill, want, "{class_name}");
    };
    check(Dialect::OpenAi, "gpt-5.4-mini", "free", Refill::Continuous);
    check(Dialect::Gemini, "gemini-3.8-flash", "free", Refill::Calendar(Zone::Pacific));
    check(Dialect::OpenRouter, ":free", "under-10-credits", Refill::Calendar(Zone::Utc));
}

#[test]
fn tiers_are_ladders_with_dates() {
    let names =
        |provider: Provider, on| -> Vec<String> { Catalog::bundled().tiers(provider, on).into_iter().map(|tier| tier.name).collect() };
    assert_eq!(names(Provider::Anthropic, TODAY), ["evaluation", "start", "build", "scale", "custom"]);
    assert_eq!(names(Provider::Anthropic, date(2026, 6, 1)), ["tier-1", "tier-2", "tier-3", "tier-4"]);
    assert_eq!(names(Provider::OpenAi, TODAY), ["free", "tier-1", "tier-2", "tier-3", "tier-4", "tier-5"]);
    assert_eq!(names(Provider::DeepSeek, TODAY), [""; 0]);
    let gemini = Catalog::bundled().tiers(Provider::Gemini, TODAY);
    assert_eq!(gemini[2].spend_per_10_minutes, Some(Usd::from_nanos(50_000_000_000)));
    assert!(gemini.iter().all(|tier| !tier.entry));
}

#[test]
fn long_prompts_and_batches_have_rows_of_their_own() {
    let catalog = Catalog::bundled();
    let long = catalog.long_context(Provider::OpenAi, &class("gpt-5.5"), "tier-1", TODAY).unwrap();
    assert_eq!((long.above_tokens, brief(&long.limits).as_str()), (272_000, "RPM 200, TPM 400000"));
    assert_eq!(catalog.long_context(Provider::OpenAi, &class("gpt-5.4"), "tier-1", TODAY), None);

    let batch = |provider: Provider, name: &str, tier, prompt| catalog.batch_limits(provider, &class(name), Some(tier), prompt, TODAY);
    let anthropic = batch(Provider::Anthropic, "claude-opus-5", "build", 0).unwrap();
    assert_eq!((anthropic.rpm, anthropic.queued_requests, anthropic.requests_per_batch), (Some(2_000), Some(300_000), Some(100_000)));
    let openai = batch(Provider::OpenAi, "gpt-5.5", "tier-1", 272_000).unwrap();
    assert_eq!((openai.queued_tokens, openai.requests_per_batch, openai.one_model), (Some(1_500_000), Some(50_000), Some(true)));
    assert_eq!(batch(Provider::OpenAi, "gpt-5.5", "tier-1", 272_001).unwrap().queued_tokens, Some(5_000_000));
    assert_eq!(batch(Provider::OpenAi, "gpt-4o", "tier-1", 0).unwrap().queued_tokens, None);
    let gemini = batch(Provider::Gemini, "gemini-3.5-flash", "tier-1", 0).unwrap();
    assert_eq!((gemini.queued_tokens, gemini.concurrent_jobs, gemini.price_percent), (Some(3_000_000), Some(100), Some(50)));
    assert_eq!(batch(Provider::DeepSeek, "deepseek-flash", "", 0), None);
}

#[test]
fn a_users_row_goes_before_the_bundled_one() {
    let user = r#"
        provider = "anthropic"
        limits = [{ classes = ["claude-opus-5"], tier = "start", rpm = 77, as_of = 2026-11-20, source = "my console", confidence = "official" }]
        [[price]]
        models = ["claude-opus-5"]
        input = "4.50"
        as_of = 2026-11-20
        source = "my contract"
        confidence = "official"
    "#;
    let catalog = Catalog::with_user_file(user).unwrap();
    let limits = catalog.limits(Provider::Anthropic, &class("claude-opus-5"), "start", TODAY);
    assert_eq!(brief(&limits), "RPM 77, ITPM 2000000, OTPM 400000");
    assert_eq!(limits[0].source, LimitSource::Catalog { as_of: date(2026, 11, 20) });
    let price = catalog.price(Provider::Anthropic, &model("claude-opus-5"), now(), 0).unwrap();
    assert_eq!((price.input, price.output), (Usd::parse("4.50"), None));
    assert!(catalog.price(Provider::Anthropic, &model("claude-opus-4-8"), now(), 0).unwrap().output.is_some());
}

#[test]
fn observed_limits_name_their_tier() {
    let seen = |name: &str, dimension, capacity| {
        let window = Window::PER_MINUTE;
        (class(name), Limit { dimension, window, capacity, source: LimitSource::Header })
    };
    let (requests, input, tokens) = (Dimension::Requests, Dimension::InputTokens, Dimension::Tokens);
    let find = |provider: Provider, observed: &[_]| Catalog::bundled().tier_matching(provider, observed, TODAY);

    let build = find(Provider::Anthropic, &[seen("claude-opus-5", requests, 5_000), seen("claude-opus-5", input, 5_000_000)]).unwrap();
    assert_eq!((build.tier.name.as_str(), build.agree, build.compared, build.superseded), ("build", 2, 2, false));
    let next = build.next.unwrap();
    assert_eq!((next.tier.name.as_str(), next.gives.len()), ("scale", 1));
    assert_eq!(brief(&next.gives[0].1), "RPM 10000, ITPM 10000000, OTPM 2000000");
    assert!(next.tier.qualifies.contains("Console"));

    // 5,000 requests a minute are tier 2 and tier 3; the tokens decide
    let either = find(Provider::OpenAi, &[seen("gpt-5.5", requests, 5_000)]).unwrap();
    assert_eq!((either.tier.name.as_str(), either.or.as_slice()), ("tier-2", &["Tier 3".to_owned()][..]));
    let third = find(Provider::OpenAi, &[seen("gpt-5.5", requests, 5_000), seen("gpt-5.5", tokens, 2_000_000)]).unwrap();
    assert_eq!((third.tier.name.as_str(), third.or.len()), ("tier-3", 0));
    assert_eq!(third.next.unwrap().tier.qualifies, "$250 paid");
    // tier 5 as recorded in May 2026
    let top = find(Provider::OpenAi, &[seen("gpt-5.5", requests, 15_000), seen("gpt-5.5", tokens, 40_000_000)]).unwrap();
    assert_eq!((top.tier.name.as_str(), top.next), ("tier-5", None));

    let old = find(Provider::Anthropic, &[seen("claude-opus-4.x", requests, 50), seen("claude-opus-4.x", input, 30_000)]).unwrap();
    assert_eq!((old.tier.name.as_str(), old.superseded, old.next), ("tier-1", true, None));
    assert_eq!(find(Provider::Anthropic, &[seen("claude-opus-5", requests, 1_234)]), None);
    assert_eq!(find(Provider::Anthropic, &[]), None);
    assert_eq!(find(Provider::Gemini, &[seen("gemini-4-argon", requests, 300)]), None);
}
