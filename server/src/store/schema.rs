//! Tables as Diesel sees them, on both engines. The migrations are the truth; tests read and write every column.

diesel::table! {
    log_state (id) {
        id -> BigInt,
        size -> BigInt,
        last_accepted_at -> BigInt,
        frontier -> Binary,
        published_size -> BigInt,
        epoch -> BigInt,
        signed_size -> BigInt,
        signed_root -> Binary,
        halted -> Nullable<Text>,
    }
}

diesel::table! {
    checkpoints (size) {
        size -> BigInt,
        root -> Binary,
        published_at -> BigInt,
        note -> Text,
    }
}

diesel::table! {
    entries (idx) {
        idx -> BigInt,
        id -> Text,
        kind -> Text,
        issuer -> Text,
        signer_key -> Binary,
        deduplication_key -> Binary,
        accepted_at -> BigInt,
        withdrawn_idx -> Nullable<BigInt>,
        corrected_idx -> Nullable<BigInt>,
        observed_idx -> Nullable<BigInt>,
        leaf_hash -> Binary,
        leaf -> Binary,
    }
}

diesel::table! {
    contents (digest, idx, whole_file) {
        digest -> Binary,
        idx -> BigInt,
        whole_file -> Bool,
    }
}

diesel::table! {
    labels (producer, content_id, idx) {
        producer -> Text,
        content_id -> Text,
        idx -> BigInt,
    }
}

diesel::table! {
    records (idx) {
        idx -> BigInt,
        digest -> Binary,
        observed -> Bool,
        file_name -> Nullable<Text>,
        deleted_idx -> Nullable<BigInt>,
        bytes -> Nullable<Binary>,
        changed -> BigInt,
    }
}

diesel::table! {
    fingerprints (idx) {
        idx -> BigInt,
        pdq -> Binary,
        quality -> BigInt,
        dhash -> Nullable<Binary>,
    }
}

diesel::table! {
    details (idx) {
        idx -> BigInt,
        jpeg -> Binary,
    }
}

diesel::table! {
    credentials (manifest, idx) {
        manifest -> Text,
        idx -> BigInt,
        claim -> Nullable<Binary>,
    }
}

diesel::table! {
    manifests (label) {
        label -> Text,
        store_digest -> Binary,
        certificate -> Binary,
        owner -> Text,
        alone -> Bool,
        anchor_idx -> BigInt,
        created_at -> BigInt,
        deleted_at -> Nullable<BigInt>,
        content_digest -> Nullable<Binary>,
        bytes -> Nullable<Binary>,
        trusted -> Bool,
    }
}

diesel::table! {
    manifest_pictures (idx) {
        idx -> BigInt,
        label -> Text,
    }
}

diesel::table! {
    soft_bindings (alg, value, label) {
        alg -> Text,
        value -> Binary,
        label -> Text,
        observed -> Bool,
    }
}

diesel::table! {
    iscc_parts (part, code) {
        part -> BigInt,
        code -> Binary,
    }
}

diesel::table! {
    organisations (id) {
        id -> Text,
        name -> Text,
        role -> Text,
        admitted_at -> BigInt,
        admitted_idx -> BigInt,
        suspended_idx -> Nullable<BigInt>,
    }
}

diesel::table! {
    organisation_keys (id) {
        id -> Text,
        organisation -> Text,
        public_key -> Binary,
        purpose -> Text,
        valid_from_idx -> BigInt,
        revoked_idx -> Nullable<BigInt>,
        suspect_from_idx -> Nullable<BigInt>,
    }
}

diesel::table! {
    provider_codes (code) {
        code -> Text,
        organisation -> Text,
        idx -> BigInt,
    }
}

diesel::table! {
    users (id) {
        id -> Text,
        organisation -> Nullable<Text>,
        name -> Text,
        password_hash -> Text,
        created_at -> BigInt,
    }
}

diesel::table! {
    tokens (id) {
        id -> Text,
        hash -> Binary,
        organisation -> Nullable<Text>,
        user_id -> Nullable<Text>,
        name -> Text,
        scopes -> Text,
        created_at -> BigInt,
        expires_at -> BigInt,
        revoked_at -> Nullable<BigInt>,
    }
}

diesel::table! {
    checks (id) {
        id -> Text,
        organisation -> Nullable<Text>,
        checked_at -> BigInt,
        expires_at -> BigInt,
        envelope -> Binary,
    }
}

diesel::table! {
    check_pictures (id) {
        id -> Text,
        overlay -> Binary,
        mask -> Binary,
    }
}

diesel::table! {
    registry_state (name) {
        name -> Text,
        value -> Text,
    }
}

diesel::table! {
    registry_keys (purpose) {
        purpose -> Text,
        public_key -> Binary,
        sealed -> Binary,
    }
}

diesel::allow_tables_to_appear_in_same_query!(
    entries,
    contents,
    records,
    manifests,
    manifest_pictures,
    soft_bindings
);
