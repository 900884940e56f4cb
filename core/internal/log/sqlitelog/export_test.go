package sqlitelog

import "testing"

// LimitPages keeps the file from growing, like a full disk.
func LimitPages(t *testing.T, l *Log, pages int) {
	t.Helper()
	var got int
	if err := l.db.Write.QueryRow(`pragma max_page_count = 20`).Scan(&got); err != nil || got != pages {
		t.Fatal(got, err)
	}
}
