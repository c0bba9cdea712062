/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * The vocabulary of the simulated provider.  Each word has its blank in
 * front, as tokens of models do, and is safe in JSON; a few are not ASCII.
 */


#ifndef _GENAI_SIM_WORDS_H_INCLUDED_
#define _GENAI_SIM_WORDS_H_INCLUDED_


#define GENAI_SIM_WORDS  128

/* a fixed size makes a copy one instruction or two */
#define GENAI_SIM_WORD   15


#define w(text)  { sizeof(text), " " text }

static const struct {
    unsigned char  len;
    char           text[GENAI_SIM_WORD];
} genai_sim_words[GENAI_SIM_WORDS] = {
    w("a"), w("above"), w("add"), w("after"), w("all"), w("also"),
    w("always"), w("an"), w("and"), w("answer"), w("are"), w("as"),
    w("at"), w("back"), w("be"), w("been"), w("before"), w("below"),
    w("best"), w("better"), w("between"), w("book"), w("both"), w("bridge"),
    w("but"), w("by"), w("called"), w("can"), w("city"), w("clear"),
    w("cloud"), w("code"), w("come"), w("could"), w("count"), w("day"),
    w("deep"), w("did"), w("do"), w("down"), w("each"), w("early"),
    w("earth"), w("even"), w("every"), w("far"), w("few"), w("field"),
    w("find"), w("first"), w("follow"), w("for"), w("from"), w("garden"),
    w("gave"), w("get"), w("give"), w("good"), w("great"), w("green"),
    w("had"), w("half"), w("hand"), w("has"), w("have"), w("here"),
    w("high"), w("house"), w("how"), w("idea"), w("if"), w("important"),
    w("in"), w("into"), w("is"), w("it"), w("just"), w("keep"),
    w("know"), w("large"), w("later"), w("learn"), w("left"), w("letter"),
    w("light"), w("line"), w("little"), w("long"), w("made"), w("make"),
    w("many"), w("more"), w("most"), w("mountain"), w("much"), w("name"),
    w("near"), w("never"), w("new"), w("night"), w("no"), w("not"),
    w("number"), w("of"), w("often"), w("on"), w("one"), w("open"),
    w("or"), w("other"), w("part"), w("question"), w("river"), w("same"),
    w("small"), w("some"), w("table"), w("that"), w("the"), w("time"),
    w("to"), w("water"), w("with"), w("year"),
    w("caf\xc3\xa9"), w("Stra\xc3\x9f" "e"), w("\xe6\x9d\xb1\xe4\xba\xac"),
    w("\xf0\x9f\x99\x82")
};

#undef w


#endif /* _GENAI_SIM_WORDS_H_INCLUDED_ */
