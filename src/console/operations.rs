//! A name for each operation of the description. Programs are generated from it and take one of two
//! operations of one name for the other; a function's name is only known in its own file.

use utoipa::openapi::path::Operation;
use utoipa::openapi::{OpenApi, PathItem};

/// Names every operation by its method and path: `get_api_v1_incidents_id`.
pub(super) fn name(api: &mut OpenApi) {
    for (path, item) in &mut api.paths.paths {
        let words: Vec<&str> = path
            .split(|c: char| !c.is_ascii_alphanumeric())
            .filter(|word| !word.is_empty())
            .collect();
        for (method, operation) in operations(item) {
            operation.operation_id = Some(format!("{method}_{}", words.join("_")));
        }
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = (&'static str, &mut Operation)> {
    let all = [
        ("get", &mut item.get),
        ("put", &mut item.put),
        ("post", &mut item.post),
        ("delete", &mut item.delete),
        ("patch", &mut item.patch),
    ];
    all.into_iter().filter_map(|(method, operation)| Some((method, operation.as_mut()?)))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    #[test]
    fn no_two_operations_have_one_name() {
        let api: serde_json::Value =
            serde_json::from_str(&super::super::description()).expect("it is JSON");
        let paths = api["paths"].as_object().expect("it has paths");
        let operations =
            paths.values().filter_map(|item| item.as_object()).flat_map(|i| i.values());
        let ids: Vec<_> =
            operations.filter_map(|operation| operation["operationId"].as_str()).collect();
        let different: BTreeSet<_> = ids.iter().collect();
        assert_eq!(different.len(), ids.len());
        assert!(ids.contains(&"get_api_v1_incidents") && ids.len() > 60, "{ids:?}");
    }
}
