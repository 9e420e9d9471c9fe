// Verify holds a Touchstone log against golang.org/x/mod/sumdb, which others wrote for another log.
//
// Usage: verify PREFIX VERIFIER_KEY < CLAIMS
//
// It reads the log below PREFIX over HTTP: the signature of the checkpoint, the tree out of the tiles, an inclusion
// proof for every entry. CLAIMS is a JSON object with checkpoints that were signed before and receipts that were given;
// each of them must be of this log. It prints what it verified, or why not.
package main

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"strings"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"
)

// Height of the tiles (C2SP tlog-tiles).
const height = 8

type claims struct {
	Checkpoints []string `json:"checkpoints"`
	Receipts    []struct {
		Receipt  string `json:"receipt"`
		Envelope string `json:"envelope"`
	} `json:"receipts"`
}

type reader struct {
	prefix string
}

func (r reader) get(path string) ([]byte, error) {
	response, err := http.Get(r.prefix + "/" + path)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s", path, response.Status)
	}
	return io.ReadAll(response.Body)
}

func (r reader) Height() int { return height }

// Paths of C2SP tlog-tiles: those of sumdb without the height.
func path(t tlog.Tile) string {
	p := strings.TrimPrefix(t.Path(), fmt.Sprintf("tile/%d/", height))
	return "tile/" + strings.Replace(p, "data/", "entries/", 1)
}

func (r reader) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	data := make([][]byte, len(tiles))
	for i, t := range tiles {
		bytes, err := r.get(path(t))
		if err != nil {
			return nil, err
		}
		if len(bytes) != t.W*tlog.HashSize {
			return nil, fmt.Errorf("%s has %d bytes", path(t), len(bytes))
		}
		data[i] = bytes
	}
	return data, nil
}

func (r reader) SaveTiles([]tlog.Tile, [][]byte) {}

// The entries of the log in order.
func (r reader) entries(size int64) ([][]byte, error) {
	var entries [][]byte
	for n := int64(0); n*256 < size; n++ {
		t := tlog.Tile{H: height, L: -1, N: n, W: 256}
		if rest := size - n*256; rest < 256 {
			t.W = int(rest)
		}
		bundle, err := r.get(path(t))
		if err != nil {
			return nil, err
		}
		for i := 0; i < t.W; i++ {
			if len(bundle) < 2 {
				return nil, fmt.Errorf("%s is cut", path(t))
			}
			length := int(binary.BigEndian.Uint16(bundle))
			if len(bundle) < 2+length {
				return nil, fmt.Errorf("%s is cut", path(t))
			}
			entries = append(entries, bundle[2:2+length])
			bundle = bundle[2+length:]
		}
		if len(bundle) != 0 {
			return nil, fmt.Errorf("%s is too long", path(t))
		}
	}
	return entries, nil
}

// The tree of a signed checkpoint.
func open(signed string, verifier note.Verifier) (tlog.Tree, error) {
	opened, err := note.Open([]byte(signed), note.VerifierList(verifier))
	if err != nil {
		return tlog.Tree{}, err
	}
	lines := strings.Split(opened.Text, "\n")
	if len(lines) != 4 || lines[3] != "" || lines[0] != verifier.Name() {
		return tlog.Tree{}, fmt.Errorf("not a checkpoint: %q", opened.Text)
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return tlog.Tree{}, err
	}
	hash, err := tlog.ParseHash(lines[2])
	return tlog.Tree{N: size, Hash: hash}, err
}

// A receipt (C2SP tlog-proof).
type receipt struct {
	extra      []byte
	index      int64
	proof      tlog.RecordProof
	checkpoint string
}

func parseReceipt(text string) (receipt, error) {
	var r receipt
	parts := strings.SplitN(text, "\n\n", 2)
	if len(parts) != 2 {
		return r, errors.New("a receipt without a checkpoint")
	}
	r.checkpoint = parts[1]
	lines := strings.Split(parts[0], "\n")
	if len(lines) < 3 || lines[0] != "c2sp.org/tlog-proof@v1" {
		return r, fmt.Errorf("not a receipt: %q", text)
	}
	var err error
	if r.extra, err = base64.StdEncoding.DecodeString(strings.TrimPrefix(lines[1], "extra ")); err != nil {
		return r, err
	}
	if r.index, err = strconv.ParseInt(strings.TrimPrefix(lines[2], "index "), 10, 64); err != nil {
		return r, err
	}
	for _, line := range lines[3:] {
		hash, err := tlog.ParseHash(line)
		if err != nil {
			return r, err
		}
		r.proof = append(r.proof, hash)
	}
	return r, nil
}

// Every claim is held against the tree of now, and an altered one must not hold.
func verify(prefix, key string, claimed claims) (string, error) {
	verifier, err := note.NewVerifier(key)
	if err != nil {
		return "", err
	}
	log := reader{prefix}
	signed, err := log.get("checkpoint")
	if err != nil {
		return "", err
	}
	tree, err := open(string(signed), verifier)
	if err != nil {
		return "", err
	}
	hashes := tlog.TileHashReader(tree, log)
	root, err := tlog.TreeHash(tree.N, hashes)
	if err != nil {
		return "", err
	}
	if root != tree.Hash {
		return "", errors.New("the tiles do not lead to the checkpoint")
	}
	entries, err := log.entries(tree.N)
	if err != nil {
		return "", err
	}
	for i, entry := range entries {
		proof, err := tlog.ProveRecord(tree.N, int64(i), hashes)
		if err != nil {
			return "", err
		}
		if err := tlog.CheckRecord(proof, tree.N, tree.Hash, int64(i), tlog.RecordHash(entry)); err != nil {
			return "", fmt.Errorf("entry %d: %w", i, err)
		}
	}
	grows := func(older tlog.Tree) error {
		proof, err := tlog.ProveTree(tree.N, older.N, hashes)
		if err != nil {
			return err
		}
		if err := tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash); err != nil {
			return err
		}
		older.Hash[0] ^= 1
		if tlog.CheckTree(proof, tree.N, tree.Hash, older.N, older.Hash) == nil {
			return errors.New("an altered checkpoint is consistent")
		}
		return nil
	}
	for _, checkpoint := range claimed.Checkpoints {
		older, err := open(checkpoint, verifier)
		if err == nil {
			err = grows(older)
		}
		if err != nil {
			return "", fmt.Errorf("checkpoint %q: %w", checkpoint, err)
		}
	}
	for _, claim := range claimed.Receipts {
		r, err := parseReceipt(claim.Receipt)
		if err != nil {
			return "", err
		}
		older, err := open(r.checkpoint, verifier)
		if err != nil {
			return "", err
		}
		if err := grows(older); err != nil {
			return "", err
		}
		leaf := append(r.extra, claim.Envelope...)
		if err := tlog.CheckRecord(r.proof, older.N, older.Hash, r.index, tlog.RecordHash(leaf)); err != nil {
			return "", fmt.Errorf("receipt of entry %d: %w", r.index, err)
		}
		if !bytes.Equal(leaf, entries[r.index]) {
			return "", fmt.Errorf("entry %d is another one", r.index)
		}
		leaf[len(leaf)-1] ^= 1
		if tlog.CheckRecord(r.proof, older.N, older.Hash, r.index, tlog.RecordHash(leaf)) == nil {
			return "", errors.New("an altered entry has a receipt")
		}
	}
	return fmt.Sprintf("verified %d entries, %d checkpoints, %d receipts",
		len(entries), len(claimed.Checkpoints), len(claimed.Receipts)), nil
}

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: verify PREFIX VERIFIER_KEY < CLAIMS")
		os.Exit(2)
	}
	var claimed claims
	err := json.NewDecoder(os.Stdin).Decode(&claimed)
	said := ""
	if err == nil {
		said, err = verify(os.Args[1], os.Args[2], claimed)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "verify:", err)
		os.Exit(1)
	}
	fmt.Println(said)
}
