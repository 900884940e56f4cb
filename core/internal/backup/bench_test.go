package backup_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/palabre-cms/palabre/core"
	"github.com/palabre-cms/palabre/core/internal/backup"
	"github.com/palabre-cms/palabre/core/internal/log/logtest"
)

// BenchmarkBackup writes and restores 4,000 changes of 3 kB in commits of 200, and reports changes a second of each.
func BenchmarkBackup(b *testing.B) {
	l := open(b)
	commits := logtest.Chain(nil, 20)
	sum := ""
	for i := range commits {
		change := commits[i].Changes[0]
		commits[i].Changes = nil
		for n := range 200 {
			change.Entry = core.EntryID(fmt.Sprint(i, "-", n))
			change.Draft = core.Doc(fmt.Sprintf(`{"n":%d,"text":"%s"}`, n, strings.Repeat("œuvre d'été \\n", 210)))
			commits[i].Changes = append(commits[i].Changes, change)
		}
		commits[i].Seal(sum)
		sum = commits[i].Sum
	}
	if _, err := l.Append(b.Context(), commits); err != nil {
		b.Fatal(err)
	}
	var file bytes.Buffer
	b.Run("Write", func(b *testing.B) {
		for b.Loop() {
			file.Reset()
			if _, err := backup.Write(b.Context(), l, &file, nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*4000)/b.Elapsed().Seconds(), "changes/s")
	})
	b.Run("Restore", func(b *testing.B) {
		for b.Loop() {
			if _, err := backup.Restore(b.Context(), bytes.NewReader(file.Bytes()), open(b), nil); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(b.N*4000)/b.Elapsed().Seconds(), "changes/s")
	})
}
