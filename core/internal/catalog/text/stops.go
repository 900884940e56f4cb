package text

import "strings"

// Function words, in lower case, as written. "été" is not among them: it is also the summer.
var (
	frenchStops = set(`à a afin ai aie aient ainsi alors après as au aucun aucune aura aurait auront aussi autre autres aux
avait avant avec avez avoir avons ayant c car ce ceci cela celle celles celui cependant ces cet cette ceux chez ci comme
comment d dans de depuis des dès donc dont du elle elles en encore entre es est et étaient étais était étant êtes être eu eux
fait faire font fut il ils j je l la là laquelle le lequel les lesquelles lesquels leur leurs lors lorsque lui m ma mais me même mêmes
mes moi moins mon n ne ni nos notre nous on ont or ou où par parce pas pendant peu peut peuvent plus pour pourquoi puis
quand que quel quelle quelles quels qui quoi s sa sans se sera serait seront ses si soit sommes son sont sous sur t ta te tes toi ton
tous tout toute toutes très tu un une vers via vos votre vous y`)
	englishStops = set(`a about after all also am an and any are as at be because been before being between both but by can could did do
does doing for from had has have having he her here hers him his how i if in into is it its itself just me more most my no
nor not of off on once only or other our ours out over own s same she should so some such t than that the their theirs them
then there these they this those through to too under until up very was we were what when where which while who whom why
will with would you your yours`)
)

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, w := range strings.Fields(words) {
		m[w] = true
	}
	return m
}
