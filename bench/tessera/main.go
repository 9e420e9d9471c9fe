// Posix gives Tessera's POSIX driver the job that `touchstone-bench measure log` gives the append engine.
//
// Usage: posix -dir FOLDER [-entries N] [-size BYTES] [-in-flight N] ...
//
// Each writer adds its share of the entries in flight, waits until a published checkpoint covers them all, and goes on.
// Prints one JSON object; p50_ms and p99_ms are of such shares, from the first Add until the last entry is published.
// Duplicates are not looked for: the append engine is not asked about them in this job either, though its database keeps
// them out.
package main

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"math"
	"os"
	"slices"
	"time"

	"github.com/transparency-dev/formats/log"
	"github.com/transparency-dev/tessera"
	"github.com/transparency-dev/tessera/storage/posix"
	"golang.org/x/mod/sumdb/note"
	"golang.org/x/sync/errgroup"
)

const (
	origin = "bench.example/log"
	// Whatever goes wrong, the program ends.
	longest = 10 * time.Minute
)

// The defaults are the append engine's job, and the settings with which Tessera was fastest at it.
type settings struct {
	entries   int
	size      int
	inFlight  int
	writers   int
	batchSize uint
	batchAge  time.Duration
	interval  time.Duration
	poll      time.Duration
	dir       string
}

func parse() (settings, error) {
	var s settings
	flag.IntVar(&s.entries, "entries", 200_000, "entries in all")
	flag.IntVar(&s.size, "size", 710, "bytes of an entry")
	flag.IntVar(&s.inFlight, "in-flight", 2_000, "entries that wait for their checkpoint at a time")
	flag.IntVar(&s.writers, "writers", 4, "writers that share the entries in flight")
	flag.UintVar(&s.batchSize, "batch-size", 0, "most entries that Tessera integrates at a time (0: those in flight)")
	flag.DurationVar(&s.batchAge, "batch-age", 10*time.Millisecond, "longest that an entry waits for others of its batch")
	flag.DurationVar(&s.interval, "interval", 100*time.Millisecond, "shortest time between two checkpoints; Tessera takes no less than 100ms")
	flag.DurationVar(&s.poll, "poll", time.Millisecond, "how often the checkpoint is read by those who wait for it")
	flag.StringVar(&s.dir, "dir", "", "empty folder for the log")
	flag.Parse()
	if s.batchSize == 0 {
		s.batchSize = uint(s.inFlight)
	}
	switch {
	case s.dir == "":
		return s, errors.New("-dir is missing")
	case s.writers < 1 || s.inFlight < s.writers || s.inFlight%s.writers != 0:
		return s, errors.New("-writers does not divide -in-flight")
	case s.entries < s.inFlight || s.entries%s.inFlight != 0:
		return s, errors.New("-in-flight does not divide -entries")
	case s.size < 8:
		return s, errors.New("-size is below 8")
	}
	return s, nil
}

func main() {
	if err := run(); err != nil {
		fmt.Fprintln(os.Stderr, "tessera:", err)
		os.Exit(1)
	}
}

func run() error {
	s, err := parse()
	if err != nil {
		return err
	}
	ctx, stop := context.WithTimeout(context.Background(), longest)
	defer stop()
	private, public, err := note.GenerateKey(rand.Reader, origin)
	if err != nil {
		return err
	}
	signer, err := note.NewSigner(private)
	if err != nil {
		return err
	}
	verifier, err := note.NewVerifier(public)
	if err != nil {
		return err
	}
	driver, err := posix.New(ctx, posix.Config{Path: s.dir})
	if err != nil {
		return err
	}
	appender, shutdown, reader, err := tessera.NewAppender(ctx, driver, tessera.NewAppendOptions().
		WithCheckpointSigner(signer).
		WithCheckpointInterval(s.interval).
		WithBatching(s.batchSize, s.batchAge))
	if err != nil {
		return err
	}
	awaiter := tessera.NewPublicationAwaiter(ctx, reader.ReadCheckpoint, s.poll)

	begun := time.Now()
	times, err := write(ctx, s, appender, awaiter)
	if err != nil {
		return err
	}
	seconds := time.Since(begun).Seconds()

	if err := shutdown(ctx); err != nil {
		return err
	}
	raw, err := reader.ReadCheckpoint(ctx)
	if err != nil {
		return err
	}
	published, _, _, err := log.ParseCheckpoint(raw, origin, verifier)
	if err != nil {
		return err
	}
	if published.Size != uint64(s.entries) {
		return fmt.Errorf("%d entries were published of %d", published.Size, s.entries)
	}
	slices.Sort(times)
	return json.NewEncoder(os.Stdout).Encode(map[string]any{
		"entries":            s.entries,
		"seconds":            seconds,
		"entries_per_second": float64(s.entries) / seconds,
		"p50_ms":             percentile(times, 0.5),
		"p99_ms":             percentile(times, 0.99),
		"settings": map[string]any{
			"size":         s.size,
			"in_flight":    s.inFlight,
			"writers":      s.writers,
			"batch_size":   s.batchSize,
			"batch_age_ms": milliseconds(s.batchAge),
			"interval_ms":  milliseconds(s.interval),
			"poll_ms":      milliseconds(s.poll),
		},
	})
}

// write answers the milliseconds of each share.
func write(ctx context.Context, s settings, appender *tessera.Appender, awaiter *tessera.PublicationAwaiter) ([]float64, error) {
	share, rounds := s.inFlight/s.writers, s.entries/s.inFlight
	times := make([]float64, s.writers*rounds)
	writers, ctx := errgroup.WithContext(ctx)
	for writer := range s.writers {
		writers.Go(func() error {
			futures := make([]tessera.IndexFuture, share)
			for round := range rounds {
				begun := time.Now()
				for n := range futures {
					entry := bytes.Repeat([]byte{'x'}, s.size)
					// No two entries are the same.
					binary.BigEndian.PutUint64(entry, uint64((writer*rounds+round)*share+n))
					futures[n] = appender.Add(ctx, tessera.NewEntry(entry))
				}
				// An index and a checkpoint that covers it: durable, integrated, published.
				for _, future := range futures {
					if _, _, err := awaiter.Await(ctx, future); err != nil {
						return err
					}
				}
				times[writer*rounds+round] = milliseconds(time.Since(begun))
			}
			return nil
		})
	}
	return times, writers.Wait()
}

func milliseconds(d time.Duration) float64 {
	return float64(d) / float64(time.Millisecond)
}

func percentile(sorted []float64, share float64) float64 {
	return sorted[int(math.Round(share*float64(len(sorted)-1)))]
}
