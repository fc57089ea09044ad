// Command gen makes the embedded database from a mirror of the feeds.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"log"
	"os"
	"time"

	"github.com/plimsoll/plimsoll/internal/read/advisory/build"
)

// limit is what the database may add to the program, in bytes.
const limit = 12 << 20

func main() {
	from := flag.String("from", "", "the mirror")
	built := flag.String("built", "", "the moment that the database names as its own, RFC 3339")
	flag.Parse()
	if *from == "" {
		log.Print("no mirror of the feeds is named (PLIMSOLL_FEEDS): the database in the program stays as it is")
		return
	}
	if err := run(*from, *built); err != nil {
		log.Fatal(err)
	}
}

func run(from, built string) error {
	at, err := time.Parse(time.RFC3339, built)
	if err != nil {
		return err
	}
	raw, err := os.ReadFile("sources.json")
	if err != nil {
		return err
	}
	var declared map[string]build.Declaration
	if err := json.Unmarshal(raw, &declared); err != nil {
		return err
	}
	result, err := build.Run(context.Background(), build.Options{From: from, Declared: declared, Built: at})
	if err != nil {
		return err
	}
	total := int64(0)
	for _, s := range result.Manifest.Shards {
		log.Printf("%-14s %6d names %7d rows %9d bytes", s.Name, s.Names, s.Rows, s.Size)
		total += s.Size
	}
	log.Printf("%d bytes in all", total)
	if total > limit {
		log.Fatalf("the database has %d bytes, at most %d are wanted in the program", total, limit)
	}
	if err := os.RemoveAll("data"); err != nil {
		return err
	}
	return result.Write("data")
}
