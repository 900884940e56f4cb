package content_test

import (
	"context"
	"fmt"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/log/sqlitelog"
)

// BenchmarkWrite is single writes by eight clients, each durable on disk before it is acknowledged: titles of which
// every tenth is taken, a unique code, a reference by slug.
func BenchmarkWrite(b *testing.B) {
	n := startOn(b, openLogWith(b, sqlitelog.Options{}))
	n.create("partner", `{"name": "Ville"}`)
	var serial atomic.Int64
	b.SetParallelism(4) // times two processors
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if _, err := n.write(admin, benchCreate(serial.Add(1))); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "writes/s")
}

// BenchmarkWrite_import is the same in parts of 500.
func BenchmarkWrite_import(b *testing.B) {
	n := startOn(b, openLogWith(b, sqlitelog.Options{}))
	n.create("partner", `{"name": "Ville"}`)
	b.ResetTimer()
	for at := 0; at < b.N; at += 500 {
		var ops []core.Operation
		for i := range 500 {
			ops = append(ops, benchCreate(int64(at+i)))
		}
		if _, err := n.Write(context.Background(), admin, ops, core.WriteOptions{Partial: true}); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "entries/s")
}

func benchCreate(serial int64) core.Operation {
	return core.Operation{Op: core.OperationCreate, Type: "fiche", Publish: true, Data: map[string]any{
		"title": fmt.Sprintf("Budget participatif %d", serial-serial%10/9*9), "code": fmt.Sprint("c", serial),
		"partner": map[string]any{"_slug": "ville", "_type": "partner"}, "address": map[string]any{"city": strings.Repeat("x", 1_000)}}}
}
