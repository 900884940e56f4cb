package bench

// The words of the invented content. Nothing in it says anything of a real place: the names of communes are put
// together from common parts, and only the numbers of départements and regions are real.

var (
	practices = []string{"budget-participatif", "consultation-en-ligne", "petition", "civic-tech", "open-data", "jury-citoyen",
		"boite-a-idees", "conseil-citoyen", "conseil-des-jeunes", "referendum", "conseil-de-quartier", "atelier-urbain"}
	practiceTitles = []string{"Budget participatif", "Consultation en ligne", "Pétition locale", "Plateforme citoyenne", "Données ouvertes", "Jury citoyen",
		"Boîte à idées", "Conseil citoyen", "Conseil des jeunes", "Référendum local", "Conseil de quartier", "Atelier urbain"}
	tools = []string{"decidim", "consul", "limesurvey", "discourse", "nextcloud", "udata", "framaforms", "papier", "reunion-publique",
		"panneau", "courrier", "stand", "marche", "radio-locale", "sur-mesure"}
	tags = []string{"jeunesse", "climat", "mobilité", "urbanisme", "numérique", "santé", "culture", "sport", "école", "biodiversité", "logement",
		"solidarité", "transparence", "énergie", "patrimoine", "eau", "commerce", "alimentation", "handicap", "seniors", "vélo", "propreté", "sécurité", "associations"}

	placeStart = []string{"Mont", "Val", "Roche", "Font", "Clair", "Haut", "Bel", "Neuf", "Grand", "Vert", "Long", "Fort", "Blanc", "Noir", "Saint-Aubrin", "Sainte-Orlie"}
	placeEnd   = []string{"ville", "court", "mont", "fontaine", "bourg", "champ", "pré", "bois", "rive", "mare", "combe", "lande", "source", "roc", "val", "gué"}
	placeTail  = []string{"", "", "", "-sur-Aurle", "-sur-Vesme", "-les-Ormes", "-en-Brande", "-le-Haut", "-la-Rivière", "-aux-Chênes"}

	subjects = []string{"La mairie", "Le conseil municipal", "Un groupe d’habitants", "Le comité de quartier", "La maison des associations", "Le service de proximité",
		"L’équipe du projet", "Une assemblée de volontaires", "La bibliothèque", "Le collège voisin", "L’agence d’urbanisme", "Le panel tiré au sort"}
	verbs  = []string{"prépare", "anime", "évalue", "relance", "publie", "ouvre", "finance", "accompagne", "simplifie", "documente", "étend", "partage"}
	things = []string{"une enveloppe pour les rues du centre", "le calendrier des rencontres", "un vote en ligne et sur papier", "la carte des idées déposées",
		"une charte de la participation", "un jeu de données ouvert", "le règlement de la consultation", "une marche dans les quartiers", "la grille de sélection", "un bilan lisible par tous",
		"un atelier sur la place", "le compte rendu de l’année"}
	ends = []string{"avec les écoles", "sans oublier les personnes éloignées du numérique", "en trois mois", "avec l’appui du département", "à partir des avis reçus",
		"pour dire ce qui a été retenu", "malgré un budget serré", "avec les commerçants", "selon une méthode commune", "lors de la dernière assemblée", "jusqu’à la fin du mandat", "après une phase d’essai"}

	partnerKinds = []string{"association", "collectivité", "entreprise", "université", "État"}
	partnerStart = []string{"Atelier", "Collectif", "Fabrique", "Observatoire", "Réseau", "Institut", "Coopérative", "Agence", "Cercle", "Laboratoire"}
	partnerTheme = []string{"de la parole publique", "des communs", "des données locales", "de l’action partagée", "des territoires"}
	departements = []string{"01 84", "02 32", "03 84", "06 93", "10 44", "13 93", "14 28", "17 75", "21 27", "22 53", "25 27", "29 53", "31 76", "33 75", "34 76", "35 53", "37 24", "38 84", "42 84", "44 52", "45 24", "49 52", "51 44", "54 44", "57 44", "59 32", "62 32", "63 84", "64 75", "67 44", "68 44", "69 84", "72 52", "74 84", "75 11", "76 28", "77 11", "78 11", "80 32", "83 93", "86 75", "87 75", "91 11", "92 11", "93 11", "94 11"}
)
