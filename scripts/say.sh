# Sentences for the person at the terminal, in English or, where the locale says so, in Korean. Sourced, not run.
# say ENGLISH KOREAN: one line on standard error. fail ENGLISH KOREAN: the same, and the end.

say() {
    case "${LC_ALL:-${LC_MESSAGES:-${LANG:-}}}" in
    ko*) printf 'sumun: %s\n' "$2" >&2 ;;
    *) printf 'sumun: %s\n' "$1" >&2 ;;
    esac
}

fail() {
    say "$1" "$2"
    exit 1
}
