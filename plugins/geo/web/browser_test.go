package web_test

import (
	"cmp"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// TestBrowser looks at the page with a browser: testdata/browser.mjs says what for. PALABRE_TEST_CHROMIUM names another
// program than chromium; PALABRE_TEST_SHOTS a folder to put pictures of the page into; PALABRE_TEST_PATTERN the names of the
// tests to run alone.
func TestBrowser(t *testing.T) {
	chromium := os.Getenv("PALABRE_TEST_CHROMIUM")
	if chromium == "" {
		chromium = "chromium"
	}
	chromium = findBrowser(t, chromium)
	plain, based := newSite(t, false), newSite(t, true)
	cmd := exec.CommandContext(t.Context(), "node", "--test", "--test-reporter=spec", "--test-name-pattern="+cmp.Or(os.Getenv("PALABRE_TEST_PATTERN"), "."), "testdata/browser.mjs")
	cmd.Env = append(os.Environ(), "PLAIN="+plain.URL, "BASED="+based.URL, "CHROMIUM="+chromium)
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
}

// findBrowser finds the browser and what drives it, or says what is missing.
func findBrowser(t *testing.T, name string) string {
	t.Helper()
	program, err := exec.LookPath(name)
	missing := ""
	if err != nil {
		missing = "there is no " + name + ": install Debian's chromium, or name a program in PALABRE_TEST_CHROMIUM"
	} else if _, err := os.Stat("node_modules/playwright-core"); err != nil {
		missing = "there is no playwright-core: run npm ci in plugins/geo/web"
	}
	if missing == "" {
		return program
	}
	if slices.Contains(strings.Split(os.Getenv("PALABRE_TEST_REQUIRE"), ","), "chromium") {
		t.Fatal(missing)
	}
	t.Skip(missing)
	return ""
}
