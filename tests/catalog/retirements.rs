//! What ends, when, and what is left to use.

use jiff::civil::date;
use tierline::catalog::{Catalog, ModelState, Traffic};
use tierline::domain::{ModelId, Provider};

use super::{at, model, now};

#[test]
fn a_retired_name_leads_to_a_living_model() {
    struct Case(Provider, &'static str, &'static str, &'static str, Option<&'static str>);
    let (a, o, g, d) = (Provider::Anthropic, Provider::OpenAi, Provider::Gemini, Provider::DeepSeek);
    let today = "2026-11-24T12:00:00Z";
    for Case(provider, id, when, says, replacement) in [
        Case(d, "deepseek-chat", today, "retired 2026-07-24 15:59 UTC", Some("deepseek-flash")),
        Case(d, "deepseek-chat", "2026-07-24T15:58:59Z", "retires 2026-07-24 15:59 UTC", Some("deepseek-flash")),
        // what older guides tell people to move to has itself been retired
        Case(d, "deepseek-v4-flash", today, "retired 2026-09-10", Some("deepseek-flash")),
        Case(a, "claude-opus-4-1-20250805", today, "retired 2026-08-05", Some("claude-opus-4-8")),
        Case(a, "claude-opus-4-1", today, "retired 2026-08-05", Some("claude-opus-4-8")),
        Case(a, "claude-3-5-sonnet-latest", today, "retired 2025-10-28", Some("claude-sonnet-4-6")),
        Case(a, "claude-mythos-preview", today, "deprecated without a date", Some("claude-mythos-5")),
        Case(o, "gpt-5", today, "retires 2026-12-11", Some("gpt-6.1-sol")),
        Case(o, "gpt-5", "2026-12-11T00:00:00Z", "retired 2026-12-11", Some("gpt-6.1-sol")),
        Case(o, "gpt-4o-mini", today, "retires 2027-01-14", Some("gpt-6-luna")),
        Case(o, "gpt-4o-2024-05-13", today, "retired 2026-10-23", None),
        // the replacement ends a month later: follow on
        Case(o, "gpt-4o-mini-transcribe-2025-03-20", today, "retires 2027-01-20", Some("gpt-transcribe")),
        Case(o, "gpt-4o-audio-preview-2024-12-17", today, "retired 2026-05-07", None),
        Case(o, "gpt-4o-audio-preview-2024-10-01", today, "retired 2025-10-10", None),
        Case(o, "sora-2-pro", today, "retired 2026-09-24", None),
        Case(g, "gemini-2.5-pro", today, "retires 2026-12-01", Some("gemini-3.8-flash")),
        // its replacement will end too, without one of its own
        Case(g, "gemini-3.1-flash-lite-preview", today, "retired 2026-05-25", Some("gemini-3.1-flash-lite")),
    ] {
        let end = Catalog::bundled().retirement(provider, &model(id), at(when)).unwrap_or_else(|| panic!("{id}"));
        assert_eq!((end.when().as_str(), end.replacement().map(ModelId::as_str)), (says, replacement), "{id} at {when}");
        assert!(!end.about.source.is_empty());
    }
}

#[test]
fn a_living_model_has_no_end() {
    for (provider, id) in [
        (Provider::Anthropic, "claude-opus-4-5-20251101"), // its floor is today; a floor is no end
        (Provider::Anthropic, "claude-haiku-4-5"),
        (Provider::OpenAi, "gpt-6-luna"),
        (Provider::OpenAi, "text-embedding-3-small"),
        (Provider::Gemini, "gemini-3.8-flash"),
        (Provider::DeepSeek, "deepseek-v4-pro"), // announced, then reversed
        (Provider::DeepSeek, "deepseek-flash"),
        (Provider::OpenAi, "never-heard-of-it"),
        (Provider::Custom, "gpt-4"),
    ] {
        assert_eq!(Catalog::bundled().retirement(provider, &model(id), now()), None, "{id}");
    }
}

#[test]
fn a_chain_tells_every_hop_and_every_change() {
    let end = Catalog::bundled().retirement(Provider::DeepSeek, &model("deepseek-chat"), now()).unwrap();
    assert_eq!(end.chain.iter().map(ModelId::as_str).collect::<Vec<_>>(), ["deepseek-v4-flash", "deepseek-flash"]);
    assert_eq!(end.keeps.as_deref(), Some("with thinking switched off"));
    assert!(end.changes.iter().any(|change| change.contains("thinking is on by default")), "{:?}", end.changes);
    assert_eq!(end.announced, Some(date(2026, 4, 24)));
}

#[test]
fn a_chain_that_bites_its_tail_ends() {
    let ring: String = [("a", "b"), ("b", "a"), ("c", "c")]
        .map(|(id, next)| {
            format!(
                "[[retirement]]\nprovider = \"openai\"\nmodels = [\"ring-{id}\"]\nshutdown = 2027-01-01\nreplacement = \"ring-{next}\"\n\
                 as_of = 2026-11-24\nsource = \"s\"\nconfidence = \"weak\"\n"
            )
        })
        .concat();
    let catalog = Catalog::with_user_file(&ring).unwrap();
    let chain = |id| catalog.retirement(Provider::OpenAi, &model(id), now()).unwrap().chain;
    assert_eq!(chain("ring-a"), [model("ring-b")]);
    assert_eq!(chain("ring-c"), []);
}

#[test]
fn warnings_say_what_happens_and_what_to_do() {
    let check = |provider: Provider, id: &str, requests, days, when: &str, want: &str| {
        let traffic = Traffic { model: model(id), requests, days };
        assert_eq!(Catalog::bundled().retirement_warning(provider, &traffic, at(when)).as_deref(), Some(want));
    };
    // 0.0028 to 0.003, 0.14 to 0.15, 0.28 to 0.60
    check(
        Provider::DeepSeek,
        "deepseek-chat",
        214,
        7,
        "2026-11-24T12:00:00Z",
        "214 requests in 7 days name `deepseek-chat`; retired 2026-07-24 15:59 UTC; `deepseek-flash` with thinking switched off keeps \
         behaviour; off-peak price: input +7 %, cached input +7 %, output +114 %",
    );
    // the dear hour in which it is asked does not distort the comparison
    check(
        Provider::DeepSeek,
        "deepseek-v4-flash",
        1,
        1,
        "2026-11-24T02:00:00Z",
        "1 request in 1 day names `deepseek-v4-flash`; retired 2026-09-10; `deepseek-flash` answers to the name for now, at its own price; \
         off-peak price: input -32 %, cached input -57 %, output -9 %",
    );
    check(
        Provider::OpenAi,
        "gpt-4o-mini",
        12,
        7,
        "2026-11-24T12:00:00Z",
        "12 requests in 7 days name `gpt-4o-mini`; retires 2027-01-14; `gpt-6-luna` replaces it; price: input -33 %, cached input -87 %, output -17 %",
    );
    check(
        Provider::Anthropic,
        "claude-3-opus-20240229",
        3,
        7,
        "2026-11-24T12:00:00Z",
        "3 requests in 7 days name `claude-3-opus-20240229`; retired 2026-01-05; `claude-opus-4-8` replaces it; how the price changes is unknown",
    );
    check(
        Provider::Gemini,
        "gemini-2.0-flash",
        3,
        7,
        "2026-11-24T12:00:00Z",
        "3 requests in 7 days name `gemini-2.0-flash`; retired 2026-06-01; use a 3.x flash or flash-lite",
    );
    check(Provider::OpenAi, "gpt-4", 3, 7, "2026-11-24T12:00:00Z", "3 requests in 7 days name `gpt-4`; retired 2026-10-23");
    let alive = Traffic { model: model("claude-opus-5"), requests: 5, days: 7 };
    assert_eq!(Catalog::bundled().retirement_warning(Provider::Anthropic, &alive, now()), None);
}

#[test]
fn the_list_of_models_tells_where_each_is_in_its_life() {
    let models = Catalog::bundled().models(Provider::Anthropic, now());
    let find = |id: &str| models.iter().find(|known| known.id == id);
    assert_eq!(find("claude-opus-5-5").map(|known| (known.state, known.not_before)), Some((ModelState::Active, Some(date(2027, 9, 22)))));
    let retired = find("claude-opus-4-20250514").unwrap();
    assert_eq!((retired.state, retired.replacement.as_ref().map(ModelId::as_str)), (ModelState::Retired, Some("claude-opus-4-8")));
    assert!(find("claude-opus-4-5").is_none(), "the snapshot is listed, so its undated name is not");
    let openai = Catalog::bundled().models(Provider::OpenAi, now());
    assert!(openai.iter().any(|known| known.id == "gpt-5.1" && known.state == ModelState::Retiring));
    assert!(openai.iter().all(|known| !known.id.contains(' ')), "APIs are no models");
}
