/* SPDX-License-Identifier: MIT */
/* entrasql completion: what shells offer while a command line is typed. */
#include "cli/cli.h"

#include "base/str.h"
#include "cli/tree.h"

#include <string.h>

#define OUTPUT_MAX_BYTES (256 * 1024)

/* Each asks the program itself, so that what it offers is what the program takes. */
static const char bash_script[] =
    "# bash completion for entrasql\n"
    "_entrasql() {\n"
    "    local word rest\n"
    "    COMPREPLY=()\n"
    "    while IFS=$'\\t' read -r word rest; do\n"
    "        if [[ $word == :files ]]; then\n"
    "            compopt -o filenames\n"
    "            mapfile -t COMPREPLY < <(compgen -f -- \"${COMP_WORDS[COMP_CWORD]}\")\n"
    "        else\n"
    "            COMPREPLY+=(\"$word\")\n"
    "        fi\n"
    "    done < <(\"${COMP_WORDS[0]}\" completion words -- \"${COMP_WORDS[@]:1:COMP_CWORD}\" "
    "2>/dev/null)\n"
    "}\n"
    "complete -F _entrasql entrasql\n";

static const char zsh_script[] =
    "#compdef entrasql\n"
    "_entrasql() {\n"
    "    local -a offered\n"
    "    local line\n"
    "    for line in \"${(@f)$(\"${words[1]}\" completion words -- \"${(@)words[2,CURRENT]}\" "
    "2>/dev/null)}\"; do\n"
    "        [[ -z $line ]] && continue\n"
    "        if [[ $line == :files ]]; then\n"
    "            _files\n"
    "            return\n"
    "        fi\n"
    "        offered+=(\"${${line%%$'\\t'*}//:/\\\\:}:${line#*$'\\t'}\")\n"
    "    done\n"
    "    _describe entrasql offered\n"
    "}\n"
    "if [[ $funcstack[1] == _entrasql ]]; then\n"
    "    _entrasql \"$@\"\n"
    "else\n"
    "    compdef _entrasql entrasql\n"
    "fi\n";

static const char fish_script[] =
    "# fish completion for entrasql\n"
    "function __entrasql_offered\n"
    "    set -l typed (commandline -opc) (commandline -ct)\n"
    "    set -l offered (command $typed[1] completion words -- $typed[2..-1] 2>/dev/null)\n"
    "    if contains -- ':files' $offered\n"
    "        __fish_complete_path (commandline -ct)\n"
    "    else if set -q offered[1]\n"
    "        printf '%s\\n' $offered\n"
    "    end\n"
    "end\n"
    "complete -c entrasql -f -a '(__entrasql_offered)'\n";

static const conf_option no_options[] = {CLI_OPTION_HELP, {0}};

static const conf_command bash_command = {
    .name = "entrasql completion bash",
    .summary = "Prints the script for bash.",
    .options = no_options,
    .notes = "  eval \"$(entrasql completion bash)\"     # in ~/.bashrc",
};
static const conf_command zsh_command = {
    .name = "entrasql completion zsh",
    .summary = "Prints the script for zsh.",
    .options = no_options,
    .notes = "  eval \"$(entrasql completion zsh)\"      # in ~/.zshrc, after compinit",
};
static const conf_command fish_command = {
    .name = "entrasql completion fish",
    .summary = "Prints the script for fish.",
    .options = no_options,
    .notes = "  entrasql completion fish >~/.config/fish/completions/entrasql.fish",
};
static const conf_command words_command = {
    .name = "entrasql completion words",
    .summary = "Prints what the last word of a command line may become; the scripts ask this.",
    .positionals = "-- [WORD ...]",
    .max_positionals = CONF_POSITIONALS_MAX,
    .options = no_options,
    .notes = "A line each: the word, a tab, what it is. `:files` stands for names of files.",
};

static int print_script(const cli_terminal *t, const conf_command *command, const char *script,
                        int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, command, argc, argv, &args, &exit_code))
        return exit_code;
    if (es_buf_add_str(&out, script) != ENTRASQL_OK) {
        es_nomem(&err);
        return cli_report(t, &err);
    }
    return cli_write(t, &out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

static int print_bash(const cli_terminal *t, int argc, char **argv)
{
    return print_script(t, &bash_command, bash_script, argc, argv);
}

static int print_zsh(const cli_terminal *t, int argc, char **argv)
{
    return print_script(t, &zsh_command, zsh_script, argc, argv);
}

static int print_fish(const cli_terminal *t, int argc, char **argv)
{
    return print_script(t, &fish_command, fish_script, argc, argv);
}

static int print_words(const cli_terminal *t, int argc, char **argv)
{
    ES_CLEANUP(es_buf_done) es_buf out = ES_BUF_INIT(OUTPUT_MAX_BYTES);
    conf_args args;
    entrasql_error err;
    int exit_code = 0;

    if (!cli_parse(t, &words_command, argc, argv, &args, &exit_code))
        return exit_code;
    const cli_tree *tree = cli_tree_whole();
    entrasql_status status = tree != NULL ? ENTRASQL_OK : ENTRASQL_LIMIT;
    if (status == ENTRASQL_OK && args.positional_count != 0)
        status = cli_tree_complete(tree, args.positionals, args.positional_count, &out);
    if (status != ENTRASQL_OK) {
        es_fail(&err, status, "the commands cannot be listed");
        return cli_report(t, &err);
    }
    return cli_write(t, &out, &err) == ENTRASQL_OK ? 0 : cli_report(t, &err);
}

int cli_completion(const cli_terminal *t, int argc, char **argv)
{
    static const cli_command words[] = {
        {"bash", "the script for bash", print_bash},
        {"zsh", "the script for zsh", print_zsh},
        {"fish", "the script for fish", print_fish},
        {"words", "what the last word may become", print_words},
    };
    return cli_run_word(t, "entrasql completion", "Completion of command lines in shells.", words,
                        ES_COUNT_OF(words), argc, argv);
}
