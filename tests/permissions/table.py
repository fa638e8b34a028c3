"""Who may do what at every URL of the portal: a line each.

A line has the URL's name, and after each method that it answers who may use it. All other methods are 405; HEAD is as
GET. What a line means for each caller is in `callers.py`, what a route's parts stand for in `world.py`.

    public    everybody
    person    whoever is signed in, with a token too
    whole     whoever is signed in, or has a personal token of the scope admin
    view      members of the project; launch, control: its editors; manage: its owners
    manage-whole    the same, but no token of the project
    admin     site admins, signed in or with a personal token of the scope admin
    asked     who asked for it, with a token of that project too, and site admins
    own       who made it, if signed in or with a personal token of the scope admin
    staff     who looks after the portal; for all others there is nothing
    token     whoever has an API token, to be rid of it
    job       the job whose allocation token it is
    secret    who knows the address, which nobody here does
"""

TABLE = """
healthz                 GET public   POST public   PUT public   PATCH public   DELETE public
password_change         GET public   POST public   PUT public   PATCH public   DELETE public

home                    GET person
start                   POST whole
projects                GET person
models                  GET person
queue                   GET person
overview                GET staff
audit                   GET admin
profile                 GET person   POST whole
session_end             POST own
sessions_end_others     POST person
invitation              GET public   POST public
api_docs                GET person
tokens                  GET whole    POST whole
token_revoke            POST own
token_rotate            GET own      POST own

project_create          GET person   POST whole
project                 GET view
project_members         GET view
member_add              GET manage   POST manage
project_invite          GET manage   POST manage
member_change           POST manage
member_remove           POST manage
project_transfer        POST manage
invitation_revoke       POST manage
project_archive         POST manage
project_unarchive       POST manage
project_delete          GET manage   POST manage
project_deletion        GET asked
project_usage           GET view
project_audit           GET manage
project_settings        GET manage   POST manage
project_tokens          GET manage   POST manage
project_token_revoke    POST manage
project_models          GET view
model                   GET view
model_version           GET view
compare                 GET view
compare_series          GET view
view_create             POST view
view_delete             POST control
experiment_new          GET launch   POST launch
experiment_configure    GET launch   POST launch

experiment              GET view
experiment_yaml         GET view
experiment_outcome      GET view
analysis                GET view
series                  GET view
events                  GET view
code                    GET view
code_file               GET view
code_bundle             GET view
runs_add                GET launch   POST launch
experiment_edit         GET control  POST control
experiment_pause        POST control
experiment_resume       POST control
experiment_cancel       POST control
experiment_retry        POST control
experiment_delete       GET control  POST control
runs_bulk               POST control
run                     GET view
run_log                 GET view
run_packages            GET view
run_artifacts           GET view
run_artifact            GET view
checkpoint              GET view
run_cancel              POST control
run_delete              GET control  POST control
run_retry               POST control
run_tag                 POST control
run_fork                GET launch   POST launch
run_continue            GET launch   POST launch

api_schema              GET public
api_tokens              POST public
api_current_token       DELETE token
api_own_tokens          GET whole    POST whole
api_own_token           GET own      DELETE own
api_own_token_rotate    POST own
api_me                  GET person
api_examples            GET person
api_projects            GET person   POST whole
api_project             GET view     PATCH manage
api_members             GET view     POST manage-whole
api_member              PATCH manage-whole   DELETE manage-whole
api_transfer            POST manage-whole
api_invitations         GET manage   POST manage-whole
api_invitation          DELETE manage-whole
api_invitation_accept   POST whole
api_portal_invitations  GET admin    POST admin
api_portal_invitation   DELETE admin
api_project_archive     POST manage
api_project_unarchive   POST manage
api_project_delete      GET manage   POST manage-whole
api_project_deletion    GET asked
api_quotas              GET admin    POST admin
api_quota               GET admin    PATCH admin     DELETE admin
api_audit               GET admin
api_audit_file          GET admin
api_project_audit       GET manage
api_project_audit_file  GET manage
api_ledger              GET admin
api_my_usage            GET person
api_project_usage       GET view
api_project_ledger      GET view
api_project_tokens      GET manage   POST manage-whole
api_project_token       DELETE manage-whole
api_bundles             POST launch
api_experiments         GET view     POST launch
api_experiment_at       GET view
api_experiment_preview  GET view     POST launch
api_model_versions      GET view
api_project_runs        GET view
api_views               GET view     POST view
api_view                GET view     PATCH control   DELETE control
api_deletions           GET view
api_experiment          GET view     PATCH control   DELETE control
api_experiment_definition GET view
api_experiment_pause    POST control
api_experiment_resume   POST control
api_experiment_cancel   POST control
api_experiment_clone    POST launch
api_sets                GET view
api_columns             GET view
api_importance          GET view
api_timeline            GET view
api_series              GET view
api_experiment_points   GET view
api_runs                GET view     POST launch
api_runs_tag            POST control
api_runs_cancel         POST control
api_runs_delete         POST control
api_runs_retry          POST control
api_run_at              GET view
api_run                 GET view     DELETE control
api_run_cancel          POST control
api_run_retry           POST control
api_run_fork            POST launch
api_run_continue        POST launch
api_run_attempts        GET view
api_run_checkpoints     GET view
api_run_metrics         GET view
api_run_points          GET view
api_run_logs            GET view
api_run_log_text        GET view

harness_package         GET secret
harness_heartbeats      POST job
harness_deaths          POST job
harness_leases          POST job
harness_batches         POST job
"""

# Pages of others, by how their names begin: Django's administration, which only staff enter, and allauth's.
ADMINISTRATION = "admin:"
ALLAUTH = ("account_", "mfa_", "openid_connect_", "socialaccount_", "usersessions_")
# Its old addresses, which have no names and lead to the new ones.
OLD = "accounts/social/"
# Those of allauth that one sees without being signed in; an address of their own, such as the link in a mail, is part
# of some. All others lead to the sign-in page.
ENTRANCES = """
account_login account_logout account_signup account_inactive account_email_verification_sent account_confirm_email
account_confirm_login_code account_reset_password account_reset_password_done account_reset_password_from_key
account_reset_password_from_key_done mfa_login_webauthn openid_connect_login openid_connect_callback
socialaccount_login_cancelled socialaccount_login_error
"""

# What some are told before they can know what is asked for: query and form.
SAID = {
    "code_file": ("file=train.py", ""),
    "view_create": ("", "experiment=sweep"),
    "view_delete": ("", "experiment=sweep"),
}


def lines() -> dict[str, dict[str, str]]:
    """URL name -> method -> who may."""
    found: dict[str, dict[str, str]] = {}
    for line in filter(None, TABLE.splitlines()):
        name, *cells = line.split()
        assert name not in found, f"{name} has two lines"
        found[name] = dict(zip(cells[::2], cells[1::2], strict=True))
    return found
