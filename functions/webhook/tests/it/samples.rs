//! `events/webhook/*.json`, which `cargo lambda invoke` takes, are what they claim to be.

use std::path::Path;

use aws_lambda_events::apigw::ApiGatewayV2httpRequest;
use matome_webhook::Request;

use crate::world::World;

#[tokio::test]
async fn every_sample_is_a_request_of_the_http_api_and_is_answered_as_its_name_says() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../events/webhook");
    let mut seen = 0;
    for file in std::fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let text = std::fs::read_to_string(&path).unwrap();
        serde_json::from_str::<ApiGatewayV2httpRequest>(&text).unwrap();
        let request: Request = serde_json::from_str(&text).unwrap();

        // `200-three-conversations.json` → 200.
        let expected: u16 = name.split('-').next().unwrap().parse().unwrap();
        let world = World::new().await;
        assert_eq!(world.send(request).await.status_code, expected, "{name}");
        if name == "200-three-conversations" {
            let conversations: Vec<_> =
                world.events().into_iter().map(|e| e.conversation_id.to_string()).collect();
            assert_eq!(conversations.len(), 4);
            assert!(
                conversations.iter().any(|c| c.starts_with('C'))
                    && conversations.iter().any(|c| c.starts_with('R'))
            );
        }
        seen += 1;
    }
    assert_eq!(seen, 4);
}
