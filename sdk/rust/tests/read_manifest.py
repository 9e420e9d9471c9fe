"""Prints what c2pa-python reads of a signed picture: one JSON object with the facts that the test compares.

Usage: python read_manifest.py FILE MEDIA_TYPE
"""

import json
import sys

import c2pa


def main() -> None:
    path, media_type = sys.argv[1:]
    with open(path, "rb") as file, c2pa.Reader(media_type, file) as reader:
        store = json.loads(reader.json())
    manifest = store["manifests"][store["active_manifest"]]
    assertions = {assertion["label"]: assertion["data"] for assertion in manifest["assertions"]}
    actions = assertions["c2pa.actions.v2"]["actions"]
    binding = assertions.get("c2pa.soft-binding", {})
    failures = store.get("validation_results", {}).get("activeManifest", {}).get("failure", [])
    print(
        json.dumps(
            {
                "version": c2pa.__version__ if hasattr(c2pa, "__version__") else "",
                "failures": sorted({failure["code"] for failure in failures}),
                "title": manifest.get("title"),
                "generator": manifest["claim_generator_info"][0]["name"],
                "algorithm": manifest["signature_info"]["alg"],
                "actions": [action["action"] for action in actions],
                "source_types": [action.get("digitalSourceType") for action in actions],
                "soft_binding": binding.get("alg"),
                "soft_binding_value": [block["value"] for block in binding.get("blocks", [])],
                "ingredients": [
                    [ingredient["relationship"], ingredient.get("title")]
                    for ingredient in manifest.get("ingredients", [])
                ],
                "manifests": len(store["manifests"]),
            }
        )
    )


if __name__ == "__main__":
    main()
