document.getElementById('token').textContent=new URLSearchParams(location.hash.slice(1)).get('access_token')||'';history.replaceState(null,'',location.pathname+location.search);
