//! Costs, by arithmetic done here by hand.

use tierline::catalog::{Catalog, Hours};
use tierline::domain::{Certainty, Provider, Usage};

use super::{at, model, now};

fn exact(id: &str, input: u64, cache_read: u64, output: u64) -> Usage {
    Usage { input, cache_read, output, certainty: Certainty::Exact, model: Some(model(id)), ..Usage::default() }
}

fn served(service: &str, usage: Usage) -> Usage {
    Usage { service_tier: Some(service.into()), ..usage }
}

fn costs(provider: Provider, why: &str, usage: &Usage, when: &str, want: Option<u64>) {
    assert_eq!(Catalog::bundled().cost_nanos(provider, usage, None, at(when)), want, "{why}");
}

const NOON: &str = "2026-11-24T12:00:00Z";

#[test]
fn an_anthropic_answer_costs_what_its_tokens_cost() {
    let check = |why, usage, when, want| costs(Provider::Anthropic, why, &usage, when, want);
    // 1,000 x $3 + 10,000 x $0.30 + 500 x $15 a million = $0.003 + $0.003 + $0.0075
    check("cached input", exact("claude-sonnet-4-6", 1_000, 10_000, 500), NOON, Some(13_500_000));
    // 2,000 short writes x $6.25 + 1,000 long ones x $10 = $0.0125 + $0.01
    let writes = Usage { cache_write: 3_000, cache_write_long: 1_000, ..exact("claude-opus-5", 0, 0, 0) };
    check("cache writes by lifetime", writes, NOON, Some(22_500_000));
    check("a dated snapshot", exact("claude-haiku-4-5-20251001", 1_000_000, 0, 0), NOON, Some(1_000_000_000));
    // 60,000 x $0.10 + 40,000 x $0.01 a million; one token more and it is 60,001 x $0.50 + 40,000 x $0.05
    check("at the step", exact("claude-haiku-5-5", 60_000, 40_000, 0), NOON, Some(6_400_000));
    check("above the step", exact("claude-haiku-5-5", 60_001, 40_000, 0), NOON, Some(32_000_500));
    check("batch is half", served("batch", exact("claude-opus-5", 1_000, 0, 1_000)), NOON, Some(15_000_000));
    check("fast has a row", served("fast", exact("claude-opus-5-5", 1_000, 0, 1_000)), NOON, Some(48_000_000));
    check("fast and cached is unknown", served("fast", exact("claude-opus-5-5", 1_000, 1, 0)), NOON, None);
    check("priority is unknown", served("priority", exact("claude-opus-5", 1, 0, 0)), NOON, None);
    check("standard is ordinary", served("standard", exact("claude-opus-5", 1, 0, 0)), NOON, Some(5_000));
    check("the day before a cut", exact("claude-sonnet-5-5", 0, 1_000, 0), "2026-10-06T23:59:59Z", Some(200_000));
    check("the day of a cut", exact("claude-sonnet-5-5", 0, 1_000, 0), "2026-10-07T00:00:00Z", Some(100_000));
    check("nothing taken", exact("claude-opus-5", 0, 0, 0), NOON, Some(0));
    check("too much to count", exact("claude-opus-5", u64::MAX, 0, 0), NOON, None);
    check("no such price", exact("claude-3-opus-20240229", 1, 0, 0), NOON, None);
}

#[test]
fn an_openai_answer_costs_what_its_tokens_cost() {
    let check = |why, usage, want| costs(Provider::OpenAi, why, &usage, NOON, want);
    // 1,000 x $0.40 + 2,000 x $20 a million
    check("default is ordinary", served("default", exact("gpt-5.6-sol", 0, 1_000, 2_000)), Some(40_400_000));
    check("flex is half", served("flex", exact("gpt-5.6-sol", 0, 1_000, 2_000)), Some(20_200_000));
    check("fast costs twice", served("fast", exact("gpt-6.1-terra", 1_000, 0, 0)), Some(2_000_000));
    check("fast elsewhere is unknown", served("fast", exact("gpt-5.5", 1_000, 0, 0)), None);
    // 272,000 x $5 + 1,000 x $30 a million; one token more and it is 272,001 x $10 + 1,000 x $45
    check("at 272,000", exact("gpt-5.5", 272_000, 0, 1_000), Some(1_390_000_000));
    check("above 272,000", exact("gpt-5.5", 272_001, 0, 1_000), Some(2_765_010_000));
    check("above 272,000, not known", exact("gpt-4.1", 272_001, 0, 0), None);
    check("embeddings", exact("text-embedding-3-small", 1_139, 0, 0), Some(22_780));
    check("no price", exact("gpt-image-2", 1, 0, 0), None);
}

#[test]
fn a_gemini_answer_costs_what_its_tokens_cost() {
    let check = |why, usage, when, want| costs(Provider::Gemini, why, &usage, when, want);
    // 176 uncached x $0.75 + 1,024 x $0.075 + 380 x $3.75 a million, 300 of the 380 thoughts
    let thinking = Usage { reasoning: 300, ..exact("gemini-3.8-flash", 176, 1_024, 380) };
    check("thinking is output", thinking, NOON, Some(1_633_800));
    check("last second of the old price", exact("gemini-3.8-flash", 1_000, 0, 0), "2026-12-31T23:59:59Z", Some(750_000));
    check("first second of the new price", exact("gemini-3.8-flash", 1_000, 0, 0), "2027-01-01T00:00:00Z", Some(1_500_000));
    check("at 200,000", exact("gemini-3.1-pro-preview", 200_000, 0, 0), NOON, Some(400_000_000));
    check("above 200,000", exact("gemini-3.1-pro-preview", 200_001, 0, 0), NOON, Some(800_004_000));
    check("a name that is routed on", exact("gemini-2.5-pro", 1_000, 0, 0), "2026-12-01T00:00:00Z", Some(750_000));
    check("the same a second earlier", exact("gemini-2.5-pro", 1_000, 0, 0), "2026-11-30T23:59:59Z", Some(1_250_000));
}

#[test]
fn a_deepseek_answer_costs_what_its_tokens_cost() {
    let check = |why, usage, when, want| costs(Provider::DeepSeek, why, &usage, when, want);
    // Tuesday noon is off-peak: 1,000 x $0.15 + 1,000 x $0.003 + 1,000 x $0.60 a million
    check("off-peak", exact("deepseek-flash", 1_000, 1_000, 1_000), NOON, Some(753_000));
    check("peak", exact("deepseek-flash", 1_000, 1_000, 1_000), "2026-11-24T09:59:59Z", Some(1_506_000));
    // 3 x 3.625 and 4 x 3.625 nano-dollars are 10.875 and 14.5
    check("rounded up", exact("deepseek-v4-pro", 0, 3, 0), "2026-08-01T00:00:00Z", Some(11));
    check("half is rounded up", exact("deepseek-v4-pro", 0, 4, 0), "2026-08-01T00:00:00Z", Some(15));
    check("an old name billed as the new one", exact("deepseek-v4-flash", 1_000, 0, 0), NOON, Some(150_000));
    check("before the change of August", exact("deepseek-v4-pro", 1_000_000, 0, 0), "2026-08-16T15:59:59Z", Some(435_000_000));
    check("after it, off-peak", exact("deepseek-v4-pro", 1_000_000, 0, 0), "2026-08-16T16:00:00Z", Some(660_000_000));
    check("a peak price that no one recorded", exact("deepseek-v4-flash", 1, 0, 0), "2026-08-18T02:00:00Z", None);
}

#[test]
fn the_model_that_the_answer_names_decides() {
    let catalog = Catalog::bundled();
    let usage = |named: Option<&str>, certainty| Usage { input: 1_000_000, certainty, model: named.map(model), ..Usage::default() };
    let cost = |usage: &Usage| catalog.cost_nanos(Provider::DeepSeek, usage, Some(&model("deepseek-v4-pro")), now());
    assert_eq!(cost(&usage(Some("deepseek-flash"), Certainty::Exact)), Some(150_000_000));
    assert_eq!(cost(&usage(None, Certainty::Exact)), Some(660_000_000));
    assert_eq!(cost(&usage(None, Certainty::AtLeast)), Some(660_000_000));
    assert_eq!(cost(&usage(None, Certainty::Unknown)), None);
}

#[test]
fn dear_hours_follow_utc_and_the_week() {
    let check = |when: &str, want: Hours| assert_eq!(Catalog::bundled().hours(Provider::DeepSeek, at(when)), Some(want), "{when}");
    // 2026-11-20 is a Friday
    check("2026-11-20T00:59:59Z", Hours::OffPeak);
    check("2026-11-20T01:00:00Z", Hours::Peak);
    check("2026-11-20T03:59:59Z", Hours::Peak);
    check("2026-11-20T04:00:00Z", Hours::OffPeak);
    check("2026-11-20T06:00:00Z", Hours::Peak);
    check("2026-11-20T10:00:00Z", Hours::OffPeak);
    check("2026-11-21T02:00:00Z", Hours::OffPeak);
    check("2026-11-22T23:30:00Z", Hours::OffPeak);
    check("2026-11-23T01:00:00Z", Hours::Peak);
    // the days on which other places change their clocks change nothing
    check("2026-03-09T01:00:00Z", Hours::Peak);
    check("2026-11-02T01:00:00Z", Hours::Peak);
    check("2026-11-20T11:00:00+08:00", Hours::Peak);
    assert_eq!(Catalog::bundled().hours(Provider::OpenAi, now()), None);
}

#[test]
fn a_holiday_of_the_users_is_off_peak() {
    let user = r#"
        [[peak]]
        provider = "deepseek"
        utc = ["01:00-04:00", "06:00-10:00"]
        weekdays = ["mon", "tue", "wed", "thu", "fri"]
        holidays = [2026-10-01]
        as_of = 2026-11-24
        source = "public calendar"
        confidence = "official"
    "#;
    let catalog = Catalog::with_user_file(user).unwrap();
    assert_eq!(catalog.hours(Provider::DeepSeek, at("2026-10-01T02:00:00Z")), Some(Hours::OffPeak));
    assert_eq!(catalog.hours(Provider::DeepSeek, at("2026-10-02T02:00:00Z")), Some(Hours::Peak));
}
