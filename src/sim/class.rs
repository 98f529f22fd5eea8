//! Which models share buckets: as the configuration says, else as the provider groups them.

use super::config::{SimConfig, SimProvider};

/// The class of a model id: `sonnet-4.x`, `opus-5.5`, `gpt-5-nano`.
pub(super) fn class_of(config: &SimConfig, model: &str) -> String {
    let configured = config.classes.iter().filter(|(prefix, _)| model.starts_with(prefix.as_str())).max_by_key(|(prefix, _)| prefix.len());
    if let Some((_, class)) = configured {
        return class.clone();
    }
    let undated = without_date(model);
    if config.provider == SimProvider::Anthropic { anthropic(undated) } else { undated.to_owned() }
}

/// Fable and Mythos are combined, and so are the fourth Opus and the fourth Sonnet; every other version stands alone.
fn anthropic(model: &str) -> String {
    let Some(("claude", rest)) = model.split_once('-') else { return model.to_owned() };
    let mut parts = rest.split('-');
    match (parts.next(), parts.next(), parts.next()) {
        (Some(family @ ("fable" | "mythos")), Some(major), _) => format!("{family}-{major}.x"),
        (Some(family @ ("opus" | "sonnet")), Some("4"), _) => format!("{family}-4.x"),
        (Some(family @ ("opus" | "sonnet" | "haiku")), Some(major), Some(minor)) => format!("{family}-{major}.{minor}"),
        _ => rest.to_owned(),
    }
}

/// Without `-20250929` or `-2025-08-07` at the end.
fn without_date(model: &str) -> &str {
    let is_date = |text: &str| text.len() == 8 && text.bytes().all(|b| b.is_ascii_digit());
    if let Some((name, date)) = model.rsplit_once('-')
        && is_date(date)
    {
        return name;
    }
    let dashed = model.len().checked_sub(11).and_then(|at| model.split_at_checked(at));
    match dashed {
        Some((name, tail)) if tail.starts_with('-') && tail.as_bytes().get(5) == Some(&b'-') && is_date(&tail.replace('-', "")) => name,
        _ => model,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_grouped_as_the_provider_groups_them() {
        let mut config = SimConfig::default();
        config.classes.insert("claude-opus-4-8".into(), "mine".into());
        for (model, class) in [
            ("claude-sonnet-4-5-20250929", "sonnet-4.x"),
            ("claude-sonnet-4-6", "sonnet-4.x"),
            ("claude-sonnet-5-5", "sonnet-5.5"),
            ("claude-sonnet-5", "sonnet-5"),
            ("claude-opus-4-5", "opus-4.x"),
            ("claude-opus-4-8", "mine"),
            ("claude-fable-5-1", "fable-5.x"),
            ("claude-haiku-4-5-20251001", "haiku-4.5"),
            ("claude-3-5-haiku-20241022", "3-5-haiku"),
        ] {
            assert_eq!(class_of(&config, model), class, "{model}");
        }
        config.provider = SimProvider::OpenAi;
        for (model, class) in
            [("gpt-5-nano-2025-08-07", "gpt-5-nano"), ("gpt-5.5", "gpt-5.5"), ("text-embedding-3-small", "text-embedding-3-small")]
        {
            assert_eq!(class_of(&config, model), class, "{model}");
        }
    }
}
