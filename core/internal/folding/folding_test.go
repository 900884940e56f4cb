package folding_test

import (
	"testing"

	"github.com/palabre-cms/palabre/core/internal/folding"
)

func TestFold(t *testing.T) {
	t.Parallel()
	for _, tc := range []struct{ name, text, want string }{
		{"nothing", "", ""},
		{"case", "Camille EXEMPLE", "camille exemple"},
		{"accents, in one piece and apart", "É E\u0301 ç Ñ", "e e c n"},
		{"ligatures", "Œuvre ŒUVRE cœur Æther ﬁn", "oeuvre oeuvre coeur aether fin"},
		{"letters that do not come apart", "Søren Łukasz Đorđe Þór Straße STRAẞE ı İ", "soren lukasz dorde thor strasse strasse i i"},
		{"apostrophes and hyphens", "l’été lʼété A\u2010B A\u2011B", "l'ete l'ete a-b a-b"},
		{"spaces stay, each as one of a keyboard", " a\u00a0 b\n", " a  b\n"},
		{"other alphabets", "Ж日本", "ж日本"},
		{"what is no UTF-8", "é\xff", "e\ufffd"},
	} {
		if got := folding.Fold(tc.text); got != tc.want {
			t.Errorf("%s: got %q, want %q", tc.name, got, tc.want)
		}
	}
}
